import type { Icon } from "@tabler/icons-react";

/** Something to go to or to do. */
export interface PaletteEntry {
  id: string;
  label: string;
  description?: string;
  icon: Icon;
  run: () => void;
}

/** Entries under one heading. */
export interface PaletteGroup {
  label: string;
  entries: PaletteEntry[];
  /** How many are shown; a longer list is narrowed by typing. */
  limit: number;
}

/** The id of a run, as people paste it: with spaces around, from a ticket or a log. */
const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** The id of a run if that is what was typed. */
export function runIdIn(query: string): string | undefined {
  const text = query.trim();
  return RUN_ID.test(text) ? text.toLowerCase() : undefined;
}

/** What matches all the words typed, best first, empty groups left out. */
export function searched(groups: PaletteGroup[], query: string): PaletteGroup[] {
  const words = query.trim().toLowerCase().split(/\s+/).filter(Boolean);
  return groups.flatMap((group) => {
    const entries = group.entries
      .map((entry) => ({ entry, score: score(entry, words) }))
      .filter(({ score: points }) => points > 0)
      .sort((a, b) => b.score - a.score)
      .slice(0, group.limit)
      .map(({ entry }) => entry);
    return entries.length === 0 ? [] : [{ ...group, entries }];
  });
}

/** Zero if a word is nowhere; more for beginnings of words, most for the beginning of the label. */
function score({ label, description = "" }: PaletteEntry, words: string[]): number {
  const name = label.toLowerCase();
  const all = `${name} ${description.toLowerCase()}`;
  let points = 1;
  for (const word of words) {
    if (!all.includes(word)) {
      return 0;
    }
    points += name.startsWith(word) ? 4 : beginsAWord(name, word) ? 3 : name.includes(word) ? 2 : 1;
  }
  return points;
}

function beginsAWord(name: string, word: string): boolean {
  return name.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word));
}
