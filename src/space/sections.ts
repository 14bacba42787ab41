/**
 * Where the kinds of state lie among the numbered pages. Fixed for ever: a number once given to a kind of
 * state keeps it. A section holds 2^40 pages, and page numbers stay safe integers for 8,192 sections.
 */
const sectionNumbers = {
  counters: 0,
  spaces: 1,
  entries: 2,
  waiters: 3,
  subscriptions: 4,
  events: 5,
  renewals: 6,
  clients: 7,
} as const;

export type Section = keyof typeof sectionNumbers;

const pagesPerSection = 2 ** 40;

export function pageNumber(section: Section, number: number): number {
  return sectionNumbers[section] * pagesPerSection + number;
}

/** The page's number within its section, or null if it lies in another section. */
export function numberWithin(section: Section, page: number): number | null {
  const number = page - sectionNumbers[section] * pagesPerSection;
  return number >= 0 && number < pagesPerSection ? number : null;
}
