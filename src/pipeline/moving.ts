import type { Held, Released } from '../model/ids.ts'
import type { Lane } from '../model/state.ts'

/**
 * Who holds external ids that they are about to give up: the request that takes one away is not confirmed yet, so the target may
 * still show it. Whoever gets such an external id must wait. A link holds at most one.
 */
export interface Moving {
  add(held: readonly Held[]): void
  /** Another link that may still show this external id at the target. */
  holder(ext: string, link: number | null): number | null
  /** The old external id that the target may still show of this link; empty: it shows none. */
  of(link: number): string | null
  /** This request of the link, which set its external id, is confirmed: what it gave up by that, if anything. */
  gaveUp(link: number, request: number): Released | null
  /** The link holds nothing but its own external id any more. */
  drop(links: readonly number[]): void
}

/** Nobody holds anything yet. */
export function moving(): Moving {
  const byLink = new Map<number, Held>()
  const byExt = new Map<string, number>()
  function forget(link: number): Held | null {
    const held = byLink.get(link) ?? null
    if (held === null) return null
    byLink.delete(link)
    if (byExt.get(held.ext) === link) byExt.delete(held.ext)
    return held
  }
  return {
    add(all) {
      for (const held of all) {
        byLink.set(held.link, held)
        if (held.ext !== '') byExt.set(held.ext, held.link)
      }
    },
    holder(ext, link) {
      const holder = byExt.get(ext)
      return holder === undefined || holder === link ? null : holder
    },
    of: (link) => byLink.get(link)?.ext ?? null,
    gaveUp(link, request) {
      const held = byLink.get(link)
      if (held === undefined || request < held.since) return null
      forget(link)
      return { link, ext: held.ext }
    },
    drop(links) {
      for (const link of links) forget(link)
    },
  }
}

/** External ids that some of these lanes are parked for, and that were given up while they were being judged: they are judged again. */
export const givenUpLate = (lanes: readonly Lane[], givenUp: ReadonlySet<string>): Set<string> =>
  new Set(lanes.flatMap(({ stage, wants }) => (stage === 'key' && wants != null && givenUp.has(wants) ? [wants] : [])))
