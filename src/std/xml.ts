/** An element without its prefix and attributes. Text of an element with children is left out. */
export interface XmlElement {
  /** Local name: `Envelope` of `soapenv:Envelope`. */
  readonly name: string
  readonly text: string
  readonly children: readonly XmlElement[]
}

const DEPTH_MAX = 50
const ELEMENTS_MAX = 100_000

/** Text as it may stand between tags and in attributes. Characters that XML 1.0 cannot hold are left out. */
export function escapeXml(plain: string): string {
  return (
    plain
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what XML 1.0 forbids (section 2.2).
      .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|\p{Surrogate}/gu, '')
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      .replaceAll("'", '&apos;')
      .replaceAll('\r', '&#13;')
  )
}

/** Comment, CDATA, processing instruction, or tag; sticky, so that each is matched where the last one ended. */
const MARKUP =
  /<!--[\s\S]*?-->|<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<(\/?)(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)((?:[^<>"']|"[^"<]*"|'[^'<]*')*?)(\/?)>/y

/**
 * Reads a document of plain elements and text, as SOAP uses it: attributes and namespaces are passed over, a document type and
 * entities other than XML's own five and numbers are refused. Null where it is not such a document, is cut short, or is deeper than 50 or
 * longer than 100,000 elements.
 */
export function parseXml(source: string): XmlElement | null {
  const root: Open = { name: '', text: '', children: [] }
  const path: Open[] = [root]
  let at = source.startsWith('\ufeff') ? 1 : 0
  for (let elements = 0; at < source.length; ) {
    const parent = path.at(-1) as Open
    const next = source.indexOf('<', at)
    const text = decoded(source.slice(at, next < 0 ? source.length : next))
    if (text === null || (path.length === 1 && text.trim() !== '')) return null
    parent.text += text
    if (next < 0) break
    MARKUP.lastIndex = next
    const found = MARKUP.exec(source)
    if (found === null) return null
    at = MARKUP.lastIndex
    const [, cdata, closing, name, , empty] = found
    if (cdata !== undefined) parent.text += cdata
    if (name === undefined) continue
    if (closing === '/') {
      if (path.length === 1 || parent.name !== name) return null
      path.pop()
      continue
    }
    elements += 1
    if (elements > ELEMENTS_MAX || path.length > DEPTH_MAX || (path.length === 1 && root.children.length > 0))
      return null
    const element: Open = { name, text: '', children: [] }
    parent.children.push(element)
    if (empty !== '/') path.push(element)
  }
  return path.length === 1 ? (root.children[0] ?? null) : null
}

interface Open {
  readonly name: string
  text: string
  readonly children: Open[]
}

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['quot', '"'],
  ['apos', "'"],
])

/** Text without its entities; null where one is unknown. */
function decoded(raw: string): string | null {
  if (!raw.includes('&')) return raw
  let isSound = true
  const text = raw.replaceAll(/&(?:#(\d{1,7})|#x([0-9a-fA-F]{1,6})|(\w{1,10}));|&/g, (_, tens, hex, name) => {
    const point = tens !== undefined ? Number(tens) : hex !== undefined ? Number.parseInt(hex as string, 16) : null
    const meant =
      point === null ? ENTITIES.get(String(name)) : point <= 0x10ffff ? String.fromCodePoint(point) : undefined
    if (meant === undefined) isSound = false
    return meant ?? ''
  })
  return isSound ? text : null
}

/** The first child with this name. */
export const childOf = (element: XmlElement | null, name: string): XmlElement | null =>
  element?.children.find((child) => child.name === name) ?? null

/** The texts of all children with this name, trimmed. */
export const textsOf = (element: XmlElement, name: string): string[] =>
  element.children.flatMap((child) => (child.name === name ? [child.text.trim()] : []))
