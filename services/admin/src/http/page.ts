import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Answer } from './route.ts';

let made: Promise<Answer> | undefined;

/** The page, with a policy that lets it run its own script and style and query this server, nothing else. */
export function readPage(): Promise<Answer> {
  made ??= make();
  return made;
}

async function make(): Promise<Answer> {
  const content = await readFile(new URL('./page.html', import.meta.url), 'utf8');
  const policy = [
    "default-src 'none'",
    `script-src ${hashOf(content, 'script')}`,
    `style-src ${hashOf(content, 'style')}`,
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  const headers = { 'content-security-policy': policy, 'x-frame-options': 'DENY', 'referrer-policy': 'no-referrer' };
  return { status: 200, text: { type: 'text/html; charset=utf-8', content }, headers };
}

function hashOf(page: string, tag: string): string {
  const text = new RegExp(`<${tag}>([\\s\\S]*?)</${tag}>`).exec(page)?.[1] ?? '';
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
