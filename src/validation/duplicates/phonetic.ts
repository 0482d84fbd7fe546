/** What a letter sounds like where its neighbours do not matter; vowels and what is silent are missing. */
const sounds: { readonly [letter: string]: string } = Object.assign(Object.create(null), {
  b: 'p',
  c: 'k',
  d: 't',
  f: 'f',
  g: 'k',
  k: 'k',
  l: 'l',
  m: 'n',
  n: 'n',
  p: 'p',
  q: 'k',
  r: 'r',
  s: 's',
  t: 't',
  v: 'f',
  x: 'k',
  z: 's',
})
const unitsMax = 6

/**
 * The consonants of a folded name as they sound, without telling voiced from voiceless ones: `schmidt` and `smith` are `snt`.
 * An own rule of thumb for Latin script, in the manner of Soundex and the Cologne code; other scripts stay as they are. At most
 * 6 letters. Names that sound alike meet in one block; it decides nothing.
 */
export function soundOf(name: string): string {
  let sound = ''
  for (let i = 0; i < name.length && sound.length < unitsMax; i++) {
    const letter = name[i]!
    if (letter > 'z' || letter < 'a') {
      if (letter > '\u007f') sound += letter
      continue
    }
    const next = name[i + 1]
    const one = soundAt(letter, next, name, i)
    if (one !== '' && !sound.endsWith(one)) sound += one
  }
  return sound
}

function soundAt(letter: string, next: string | undefined, name: string, at: number): string {
  switch (letter) {
    case 'c':
      // sch, ch and tch as s and k; c before a bright vowel as s.
      if (next === 'h') return at > 0 && (name[at - 1] === 's' || name[at - 1] === 't') ? 's' : 'k'
      if (next === 'z') return 's'
      return next === 'e' || next === 'i' || next === 'y' ? 's' : 'k'
    case 'p':
      return next === 'h' ? 'f' : 'p'
    case 'k':
    case 'g':
      return at === 0 && next === 'n' ? '' : next === 'h' && name[at + 2] === 't' ? '' : 'k'
    case 'w':
      return at === 0 ? (next === 'r' ? '' : 'f') : ''
    case 'a':
    case 'e':
    case 'i':
    case 'o':
    case 'u':
    case 'y':
    case 'j':
      return at === 0 ? 'a' : ''
    default:
      return sounds[letter] ?? ''
  }
}
