// From the text of millrace.yaml to plain values, remembering on which line each key stands.
// Must hold: no message quotes the text of the file, which may hold passwords.
import { codes, MillraceError } from '@millrace/errors';
import type { Document, Node, Pair } from 'yaml';
import { isAlias, isCollection, isMap, isPair, isScalar, LineCounter, parseDocument, visit } from 'yaml';

type Env = Readonly<Record<string, string | undefined>>;

export interface ReadYaml {
  readonly values: unknown;
  /** Line (from 1) of the key or value at `path`, or of its nearest parent that stands in the file. */
  lineOf(path: readonly PropertyKey[]): number;
}

/** Parses `text` and expands `${NAME}` in its strings from `env` (`$${NAME}` stands for `${NAME}` itself). Throws CONFIG with the line. */
export function readYaml(text: string, file: string, env: Env): ReadYaml {
  const lines = new LineCounter();
  const document = parseDocument(mask(text), {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    logLevel: 'silent',
  });
  const lineAt = (offset: number | undefined) => lines.linePos(offset ?? 0).line || 1;
  const broken = document.errors[0];
  if (broken !== undefined) {
    throw refusal(file, lineAt(broken.pos[0]), `is not valid YAML (${broken.code.toLowerCase().replaceAll('_', ' ')})`);
  }
  visit(document, {
    Scalar(place, node) {
      if (place === 'key' || typeof node.value !== 'string') return;
      node.value = expand(node.value, env, (name) =>
        refusal(file, lineAt(node.range?.[0]), `uses \${${name}}, which is not set in the environment`),
      );
    },
    Pair(_place, pair) {
      if (isCollection(pair.key)) {
        const { range } = pair.key;
        throw refusal(
          file,
          lineAt(range?.[0]),
          'has a list in braces or brackets where a key must be, as in `{{ … }}`',
        );
      }
      if (isScalar(pair.key) && pair.key.value === '__proto__') {
        throw refusal(file, lineAt(pair.key.range?.[0]), 'has the key "__proto__", which cannot be a name');
      }
    },
  });
  return { values: toValues(document, file), lineOf: (path) => lineAt(offsetOf(document, path)) };
}

/** A CONFIG error about one line of a file. */
export function refusal(file: string, line: number, what: string): MillraceError {
  return new MillraceError(codes.CONFIG, `${file}, line ${line} ${what}`);
}

function toValues(document: Document, file: string): unknown {
  try {
    return document.toJS() ?? {};
  } catch (cause) {
    throw new MillraceError(codes.CONFIG, `${file} cannot be read: its aliases lead nowhere or multiply`, { cause });
  }
}

// `${NAME}` unquoted inside `{ … }` is not YAML. So while parsing, its brackets are three private characters (one for
// one, so that lines stay right), and values are put in afterwards, where they cannot change the shape of the file.
function mask(text: string): string {
  return text.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, '\uE0F0\uE0F1$1\uE0F2');
}

function expand(text: string, env: Env, missing: (name: string) => MillraceError): string {
  return text.replace(/(\$?)\uE0F0\uE0F1([A-Za-z0-9_]+)\uE0F2/g, (_all, dollar: string, name: string) => {
    if (dollar !== '') return `\${${name}}`;
    const value = env[name];
    if (value === undefined) throw missing(name);
    return value;
  });
}

function offsetOf(document: Document, path: readonly PropertyKey[]): number | undefined {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0];
  for (const step of path) {
    const at: Node | null | undefined = isAlias(node) ? node.resolve(document) : node;
    if (!isMap(at)) break;
    const pair = at.items.find(
      (item): item is Pair<Node, Node | null> => isPair(item) && keyText(item.key) === String(step),
    );
    if (pair === undefined) break;
    offset = pair.key.range?.[0] ?? offset;
    node = pair.value;
  }
  return offset;
}

function keyText(key: unknown): string | undefined {
  return isScalar(key) ? String(key.value) : undefined;
}
