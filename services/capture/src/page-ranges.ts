import type { PageRange } from '@millrace/provider';

/**
 * The parts in which a table of so many pages is read by so many sessions; `all`: in one go. Parts of a fixed size, taken by whoever is
 * free, so that a part full of small rows holds nobody up.
 */
export function rangesFor(
  pages: number | null,
  { readers, partPages }: { readers: number; partPages: number },
): readonly (PageRange | 'all')[] {
  if (readers === 1 || pages === null || pages <= partPages) return ['all'];
  const parts = Math.ceil(pages / partPages);
  return Array.from({ length: parts }, (_, at) => ({
    from: at * partPages,
    to: at === parts - 1 ? null : (at + 1) * partPages,
  }));
}
