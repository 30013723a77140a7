// The page's words, in the languages of words/*.json. English stands in for what is missing.

export const NAMES = { en: "English", de: "Deutsch", fr: "Français" };
export const LANGUAGES = Object.keys(NAMES);

const catalogues = new Map();
let language = "en";

async function catalogue(name) {
  if (!catalogues.has(name)) {
    const response = await fetch(new URL(`words/${name}.json`, import.meta.url), { credentials: "omit" });
    catalogues.set(name, await response.json());
  }
  return catalogues.get(name);
}

export const current = () => language;

export const preferred = () =>
  navigator.languages.map((name) => name.slice(0, 2)).find((name) => LANGUAGES.includes(name)) ?? "en";

export async function choose(name) {
  await catalogue("en");
  await catalogue(name);
  language = name;
  document.documentElement.lang = name;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", say(element.dataset.label));
  }
}

// `say("hello", { name: "Ann" })`: the sentence with its {name}. An unknown word gives undefined.
export function find(word, values = {}) {
  const sentence = catalogues.get(language)?.[word] ?? catalogues.get("en")?.[word];
  return sentence?.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const say = (word, values) => find(word, values) ?? word;
