import type { Heap, PageRange } from '@millrace/provider';

/**
 * The parts in which a table is read by several sessions; `all`: as one part. Parts of a fixed size, taken by whichever session is
 * free, so that a part full of small rows delays no other.
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
