/** Commands that messages advise, as people of the old programs type them. */
const translations: readonly (readonly [RegExp, string])[] = [
  [/`millrace install`/g, '`subscriber install`'],
  [
    /`millrace (add|remove|add-seq|remove-seq|resync) ([^`]*?)(?: --subscriber [^` ]+)?(?: --yes)?`/g,
    '`subscriber $1 $2`',
  ],
  [/`millrace unregister [^`]*`/g, '`subscriber unregister`'],
  [/`millrace (up|run)[^`]*`/g, '`pgqadm.py ticker.ini ticker -d` and `londiste.py replica.ini replay -d`'],
];

/** A message of Millrace with the commands it advises in the old programs' words. */
export function inOldWords(text: string): string {
  return translations.reduce((now, [pattern, words]) => now.replace(pattern, words), text);
}
