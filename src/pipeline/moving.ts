import type { Key } from '../model/key.ts'
import type { Released } from '../model/state.ts'
import type { Subject } from './gather.ts'
import { type Decision, HELD } from './judge.ts'

/** A source key that a record has left, while the target still holds the external id of it. */
export interface Moved {
  readonly key: Key
  readonly link: number
  /** Until a request from this number on is confirmed. */
  readonly since: number
}

/** Who holds the external ids of keys that records have left: whoever gets such a key must wait. */
export interface Moving {
  readonly isEmpty: boolean
  add(moved: readonly Moved[]): void
  /** Another record that still holds the external id of this key: its link. */
  holder(key: Key, link: number | null): number | null
  /** Since which request the link is to give up that key; null where it holds nothing of it. */
  since(key: Key, link: number): number | null
  /** The link's external id was set by this request. Answers whether it gave up an old one: whoever waits for it may go on. */
  gaveUp(link: number, request: number): boolean
}

/** Nobody holds anything yet. */
export function moving(): Moving {
  let all: readonly Moved[] = []
  return {
    get isEmpty() {
      return all.length === 0
    },
    add(moved) {
      all = [...all, ...moved]
    },
    holder: (key, link) => all.find((held) => held.key === key && held.link !== link)?.link ?? null,
    since: (key, link) => all.find((held) => held.key === key && held.link === link)?.since ?? null,
    gaveUp(link, request) {
      const before = all.length
      all = all.filter((held) => held.link !== link || request < held.since)
      return all.length < before
    },
  }
}

/** Whether the target may hold a record, under its old external id where its key has changed. */
type AtTarget = (subject: Subject) => boolean

/** The keys that records of a window leave while the target may hold them. `since`: the first request that can take the old id away. */
export const leaving = (subjects: readonly Subject[], atTarget: AtTarget, since: number): Moved[] =>
  subjects.flatMap((subject) => {
    const { movedFrom, known } = subject
    return movedFrom !== null && known !== null && atTarget(subject)
      ? [{ key: movedFrom, link: known.link, since }]
      : []
  })

/** Links of a window that turned out to hold no external id: never delivered, or deleted. They give it up. */
export function heldNothing(at: Moving, subjects: readonly Subject[], atTarget: AtTarget): Released[] {
  if (at.isEmpty) return []
  const request = Number.MAX_SAFE_INTEGER
  return subjects.flatMap((subject) => {
    const { known } = subject
    return known !== null && !atTarget(subject) && at.gaveUp(known.link, request) ? [{ link: known.link, request }] : []
  })
}

/** Whether a record of the window was parked for an external id that has been given up meanwhile. */
export const isFreed = (at: Moving, subjects: readonly Subject[], decisions: readonly Decision[]): boolean =>
  subjects.some(({ key, known }, i) => {
    const decision = decisions[i]
    const isHeld = decision?.kind === 'park' && decision.reasons.some((reason) => reason.code === HELD)
    return isHeld && at.holder(key, known?.link ?? null) === null
  })
