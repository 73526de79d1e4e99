// The chunk of a batch that is being put together.
import type { Section } from '@millrace/wire';
import type { SectionBuffer } from './section-buffer.ts';
import type { SectionPart } from './section-cutter.ts';

export class OpenChunk {
  readonly sections: Section[] = [];
  readonly parts: Buffer[] = [];
  /** Bytes of the message that are taken, as far as they vary. */
  used = 0;
  #lastKind: SectionBuffer['kind'] | undefined;
  /** Sections whose last bytes are in this chunk. */
  readonly #complete: SectionBuffer[] = [];

  /** Bytes that the header grows by when a part of this section is added. */
  overheadOf(section: SectionBuffer): number {
    return this.#joins(section) ? 0 : section.kind.headerBytes;
  }

  add(section: SectionBuffer, part: SectionPart): void {
    const { kind } = section;
    const bytes = part.bytes.length;
    const last = this.sections.at(-1);
    this.used += this.overheadOf(section) + bytes;
    if (last !== undefined && this.#joins(section)) {
      this.sections[this.sections.length - 1] = { ...last, lines: last.lines + part.lines, bytes: last.bytes + bytes };
    } else {
      const { table, form, source } = kind;
      const described = { table, form, columns: [...kind.columns], key: [...kind.key] };
      const typed = source === undefined ? described : { ...described, source };
      this.sections.push({ ...typed, lines: part.lines, bytes, cont: part.cont });
    }
    this.#lastKind = kind;
    this.parts.push(part.bytes);
  }

  /** All of the section has been added; its memory is given back with this chunk. */
  completed(section: SectionBuffer): void {
    this.#complete.push(section);
  }

  /** Call when the message is encoded: the parts lie in the memory of their sections. */
  release(): void {
    for (const section of this.#complete) section.release();
  }

  #joins({ kind }: SectionBuffer): boolean {
    return this.#lastKind === kind && kind.form !== 'truncate';
  }
}
