import type { Heap, PageRange } from '@millrace/provider';

/**
 * The parts in which a table is read by so many sessions; `all`: in one go. Parts of a fixed size, taken by whoever is free, so that a
 * part full of small rows holds nobody up.
 */
export function rangesFor(
  heaps: readonly Heap[],
  { readers, partPages }: { readers: number; partPages: number },
): readonly (PageRange | 'all')[] {
  const pages = heaps.reduce((sum, heap) => sum + heap.pages, 0);
  if (readers === 1 || pages <= partPages) return ['all'];
  return heaps.flatMap(({ schema, name, pages: own }) => {
    const parts = Math.max(1, Math.ceil(own / partPages));
    return Array.from({ length: parts }, (_, at) => ({
      of: { schema, name },
      from: at * partPages,
      to: at === parts - 1 ? null : (at + 1) * partPages,
    }));
  });
}
