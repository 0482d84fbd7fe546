const written: readonly (readonly [RegExp, string])[] = [
  [/[^a-z]/g, ''],
  [/^(?:kn|gn|pn)/, 'n'],
  [/^wr/, 'r'],
  [/sch|sh|sz|cz|tsch|tch/g, 's'],
  [/(?!^)w/g, ''],
  [/ph|gh(?=t)|v|w/g, 'f'],
  [/ck|qu|q|ch|x|c(?![eiy])|g/g, 'k'],
  [/[cz]/g, 's'],
  [/dt|th|d/g, 't'],
  [/b/g, 'p'],
  [/j/g, 'i'],
  [/n|m/g, 'n'],
]

/**
 * The consonants of a folded name as they sound, without telling voiced from voiceless ones: `schmidt` and `smith` are `snt`.
 * An own rule of thumb for Latin script, in the manner of Soundex and the Cologne code; other scripts stay as they are. At most
 * 6 letters. Names that sound alike meet in one block; it decides nothing.
 */
export function soundOf(name: string): string {
  if (!/[a-z]/.test(name)) return name.slice(0, 6)
  let sound = name
  for (const [pattern, by] of written) sound = sound.replace(pattern, by)
  const first = sound.slice(0, 1).replace(/[aeiouy]/, 'a')
  const rest = sound.slice(1).replace(/[aeiouyh]/g, '')
  return `${first}${rest}`.replace(/(.)\1+/g, '$1').slice(0, 6)
}
