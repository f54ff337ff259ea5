// Read by svelte-check and the Vite plugin; the defaults are right: runes, scoped CSS in its own file.
export default {
  compilerOptions: { runes: true },
};
