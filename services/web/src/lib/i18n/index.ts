// Which languages there are, and which one suits a browser.
import { en } from "./en";
import { it } from "./it";

export type Dictionary = typeof en;
export type Code = "en" | "it";

export const dictionaries: Readonly<Record<Code, Dictionary>> = { en, it };

export function isLanguage(code: string | null): code is Code {
  return code === "en" || code === "it";
}

/** The first of the browser's languages that we speak; English otherwise. */
export function preferred(languages: readonly string[]): Code {
  return languages.map((tag) => tag.slice(0, 2).toLowerCase()).find(isLanguage) ?? "en";
}

/** The browser's own variant of a language (`en-GB`), for numbers and dates. */
export function localeFor(code: Code, languages: readonly string[]): string {
  return languages.find((tag) => tag.toLowerCase().startsWith(code)) ?? code;
}

export function other(code: Code): Code {
  return code === "en" ? "it" : "en";
}
