// The language in use: the browser's at first, then the one chosen, remembered.
import { formats } from "../format";
import { dictionaries, isLanguage, localeFor, other, preferred, type Code } from ".";

const KEY = "vqm.language";

function remembered(): Code | null {
  try {
    const code = localStorage.getItem(KEY);
    return isLanguage(code) ? code : null;
  } catch {
    return null; // storage is switched off: the browser's language each time
  }
}

class Language {
  code: Code = $state(remembered() ?? preferred(navigator.languages));
  readonly t = $derived(dictionaries[this.code]);
  readonly f = $derived(formats(localeFor(this.code, navigator.languages)));

  switch(): void {
    this.code = other(this.code);
    try {
      localStorage.setItem(KEY, this.code);
    } catch {
      // storage is switched off: the choice holds until the page is left
    }
  }
}

export const language = new Language();
