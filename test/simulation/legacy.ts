import type { Change, Position, SnapshotProgress, SnapshotRequest, SourceEvent } from '../../src/model/change.ts'
import { failure, SyncError } from '../../src/model/failure.ts'
import { type Key, keyOf, keyParts } from '../../src/model/key.ts'
import type { Feed, Source } from '../../src/model/source.ts'
import { field, type Row, text } from '../../src/model/value.ts'
import type { Random } from '../../src/std/random.ts'
import type { World } from './clock.ts'
import { mailOf } from './twins.ts'

/** One committed transaction of the simulated legacy database. */
interface Commit {
  readonly lsn: number
  readonly at_ms: number
  readonly changes: readonly Change[]
}

export const MEMBERS = 'public.members'
export const CARDS = 'public.cards'

/**
 * The simulated legacy database: members, and cards that belong to a member. Every edit raises the member's version `v`, which
 * travels to the target, so that an old value over a new one is evident.
 */
export class Legacy {
  readonly #world: World
  readonly #random: Random
  readonly members = new Map<number, Row>()
  readonly cards = new Map<number, Row>()
  readonly log: Commit[] = []
  #version = 0
  #readers: (() => void)[] = []
  /** Chunks of snapshots that a flow asked for: a row that is read again is a change of its own. */
  #chunks = 0
  /** Keys that records have left come back, also where records are read as they are now. */
  comeBack = false
  /** Members have a number beside their key, which is theirs alone, and may be corrected; null: there is no such column. */
  numbers: Random | null = null
  /** Keys that no member gets again. */
  readonly #left = new Set<number>()
  /** Slot and stored rows begin here. */
  start = 0
  /** Members have an address, and some share one; null: there is no such column. */
  mails: Random | null = null

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
  }

  #pick(n: number): number {
    return Math.floor(this.#random.next() * n)
  }

  /** One random transaction. */
  edit(keys: number, joined: boolean): void {
    const changes: Omit<Change, 'id' | 'at_ms'>[] = []
    for (let n = 1 + this.#pick(3); n > 0; n--) {
      if (joined && this.#random.next() < 0.4) this.#editCard(changes, keys)
      else this.#editMember(changes, keys, joined)
    }
    this.#commit(changes)
  }

  #commit(changes: Omit<Change, 'id' | 'at_ms'>[]): void {
    const lsn = this.log.length + 1
    const at_ms = this.#world.now()
    this.log.push({
      lsn,
      at_ms,
      changes: changes.map((change, i) => ({ ...change, id: `${String(lsn).padStart(8, '0')}/${i}`, at_ms })),
    })
    for (const wake of this.#readers.splice(0)) wake()
    this.#world.trace(`commit ${lsn} ${changes.map((c) => `${c.op}${c.key}`).join(' ')}`)
  }

  #editMember(changes: Omit<Change, 'id' | 'at_ms'>[], keys: number, joined: boolean): void {
    const id = 1 + this.#pick(keys)
    if (this.#left.has(id)) return
    const before = this.members.get(id)
    const key = keyOf([id]) as Key
    this.#version += 1
    if (before !== undefined && this.#random.next() < 0.15) {
      this.members.delete(id)
      changes.push({ table: MEMBERS, op: 'delete', key, row: { id } })
      for (const [card, row] of [...this.cards])
        if (field(row, 'member_id') === id) {
          this.cards.delete(card)
          changes.push({ table: CARDS, op: 'delete', key: keyOf([card]) as Key, row: { id: card } })
        }
      return
    }
    if (before !== undefined && this.numbers !== null && this.numbers.next() < 0.2) {
      this.#renumber(changes, before)
      return
    }
    const kind = this.#random.next()
    if (before !== undefined && kind < 0.08) {
      const to = 1 + this.#pick(keys * 2)
      if (
        !this.members.has(to) &&
        !this.#left.has(to) &&
        ![...this.cards.values()].some((row) => field(row, 'member_id') === id)
      ) {
        const row: Row = { ...before, id: to, v: this.#version }
        // A joined record, or one that leads others, is read by its key as it is now: a key that another member has taken meanwhile shows that member.
        if ((joined && !this.comeBack) || this.mails !== null) this.#left.add(id)
        this.members.delete(id)
        this.members.set(to, row)
        changes.push({ table: MEMBERS, op: 'update', key: keyOf([to]) as Key, oldKey: key, row, before: { id } })
        return
      }
    }
    const name = kind < 0.15 ? 'bad' : kind < 0.2 ? 'refused' : kind < 0.28 ? 'test' : `n${this.#pick(5)}`
    const row: Row = {
      id,
      name,
      v: this.#version,
      note: before === undefined ? `note ${id}` : (field(before, 'note') ?? null),
      ...this.#mail(before),
      ...(this.numbers === null ? {} : { no: field(before ?? {}, 'no') ?? this.#freeNumber(this.numbers) }),
    }
    this.members.set(id, row)
    const { note: _, ...part } = row as Row & { note: Row[string] }
    const sent: Row = before !== undefined && this.#random.next() < 0.3 ? part : row
    changes.push({ table: MEMBERS, op: before === undefined ? 'create' : 'update', key, row: sent })
  }

  #freeNumber(random: Random): number {
    for (;;) {
      const no = 101 + Math.floor(random.next() * 15)
      if (![...this.members.values()].some((row) => field(row, 'no') === no)) return no
    }
  }

  /** A number is corrected, or two members whose numbers were mixed up exchange them. */
  #renumber(changes: Omit<Change, 'id' | 'at_ms'>[], before: Row): void {
    const random = this.numbers as Random
    const others = [...this.members.values()].filter((row) => row !== before)
    const other = random.next() < 0.15 ? others[Math.floor(random.next() * others.length)] : undefined
    const set = (row: Row, no: Row[string]) => {
      this.#version += 1
      const after: Row = { ...row, no, v: this.#version }
      const id = field(row, 'id') as number
      this.members.set(id, after)
      changes.push({ table: MEMBERS, op: 'update', key: keyOf([id]) as Key, row: after })
      return after
    }
    const free = this.#freeNumber(random)
    const moved = set(before, free)
    if (other === undefined) return
    const [mine, theirs] = [field(before, 'no') as number, field(other, 'no') as number]
    set(other, mine)
    set(moved, theirs)
  }

  #mail(before: Row | undefined): Row {
    if (this.mails === null) return {}
    const kept = before !== undefined && this.mails.next() < 0.7
    return { mail: kept ? (field(before, 'mail') ?? null) : mailOf(this.mails) }
  }

  #editCard(changes: Omit<Change, 'id' | 'at_ms'>[], keys: number): void {
    const card = 1 + this.#pick(keys)
    const key = keyOf([card]) as Key
    const members = [...this.members.keys()]
    if (members.length === 0) return
    const owner = members[this.#pick(members.length)] as number
    const touched = this.cards.get(card)
    this.#version += 1
    if (touched !== undefined && this.#random.next() < 0.3) {
      this.cards.delete(card)
      changes.push({ table: CARDS, op: 'delete', key, row: { id: card } })
      return
    }
    const row: Row = { id: card, member_id: owner, level: this.#version }
    this.cards.set(card, row)
    changes.push({ table: CARDS, op: touched === undefined ? 'create' : 'update', key, row })
  }

  /** The source connector of one incarnation. */
  source(alive: () => boolean, faults: { cut: number }): Source {
    const world = this.#world
    const pause = (ms: number) => world.wait(this.#random.next() * ms, alive)
    const rowsOf = (table: string) => (table === MEMBERS ? this.members : this.cards)
    return {
      traits: { feed: 'every-change', marks: false },
      check: async () => [],
      describe: async () => [],
      open: async (from, snapshots) => {
        await pause(5)
        return this.#feed(from, snapshots, alive, faults)
      },
      fetch: async (table, keys) => {
        await pause(4)
        return keys.map((key) => rowsOf(table).get(Number(keyParts(key)[0])) ?? null)
      },
      lookup: async (table, column, values) => {
        await pause(4)
        const wanted = new Set(values.map((value) => text(value)))
        return [...rowsOf(table).values()].filter((row) => wanted.has(text(field(row, column) ?? null)))
      },
      scan: async () => ({ rows: [], after: null }),
      close: async () => {},
    }
  }

  #feed(
    from: Position | null,
    unfinished: readonly SnapshotProgress[],
    alive: () => boolean,
    faults: { cut: number },
  ): Feed {
    const world = this.#world
    const random = this.#random
    let at = from === null ? this.log.length : Number(from)
    if (from === null) this.start = at
    const wanted = unfinished.map(({ table, only, after, rows }) => ({
      table,
      after,
      rows,
      ...(only === undefined ? {} : { only }),
    }))
    const legacy = this
    let closed = false
    const waiting: { until: number; resolve: () => void; reject: (error: Error) => void }[] = []
    async function* read(): AsyncGenerator<SourceEvent[]> {
      while (!closed) {
        // Asked for the next item: what was yielded before is stored.
        if (wanted.length === 0)
          for (const one of waiting.splice(0)) at >= one.until ? one.resolve() : waiting.push(one)
        // Nothing to read: it sleeps until something is committed, so that an idle second costs no events.
        if (at === legacy.log.length && wanted.length === 0)
          await new Promise<void>((resolve) => legacy.#readers.push(resolve))
        await world.wait(1 + random.next() * 10, alive)
        if (random.next() < faults.cut) throw new SyncError(failure('SYNC-6006', 'the simulated source went away'))
        const item: SourceEvent[] = []
        const until = Math.min(legacy.log.length, at + 1 + Math.floor(random.next() * 4))
        for (; at < until; at++) {
          const commit = legacy.log[at] as Commit
          // Half of the larger transactions come in pieces, in two items.
          if (commit.changes.length > 1 && random.next() < 0.5) {
            item.push({ kind: 'rows', tx: String(commit.lsn), changes: commit.changes.slice(0, 1) })
            yield item.splice(0)
            await world.wait(random.next() * 5, alive)
            item.push({ kind: 'rows', tx: String(commit.lsn), changes: commit.changes.slice(1) })
          } else item.push({ kind: 'rows', tx: String(commit.lsn), changes: commit.changes })
          item.push({ kind: 'commit', tx: String(commit.lsn), position: String(at + 1) as Position })
        }
        if (wanted[0] !== undefined && at === legacy.log.length) item.push(...legacy.#chunk(wanted, at))
        if (item.length > 0) yield item
      }
    }
    return {
      events: read(),
      durable: () => {},
      snapshot(request: SnapshotRequest) {
        const only = request.only === undefined ? {} : { only: request.only }
        wanted.push({ table: request.table, after: null, rows: 0, ...only })
        for (const wake of legacy.#readers.splice(0)) wake()
      },
      caughtUp: () =>
        new Promise((resolve, reject) => {
          waiting.push({ until: legacy.log.length, resolve, reject })
          for (const wake of legacy.#readers.splice(0)) wake()
        }),
      [Symbol.asyncDispose]: async () => {
        closed = true
        for (const one of waiting.splice(0)) one.reject(new Error('the feed was closed'))
      },
    }
  }

  /** The next three rows of the first wanted snapshot, as they are at this point of the log. */
  #chunk(wanted: { table: string; only?: string; after: string | null; rows: number }[], at: number): SourceEvent[] {
    const snapshot = wanted[0]!
    const rows = [...(snapshot.table === MEMBERS ? this.members : this.cards)]
      .filter(([id]) => id > Number(snapshot.after ?? 0))
      .sort(([a], [b]) => a - b)
      .slice(0, 3)
    const only = snapshot.only === undefined ? {} : { only: snapshot.only }
    const chunk = snapshot.only === undefined ? `s//${at}` : `s/${snapshot.only}/${++this.#chunks}`
    const changes = rows.map(
      ([id, row]): Change => ({
        table: snapshot.table,
        op: 'read',
        key: keyOf([id]) as Key,
        row,
        id: `${chunk}/${id}`,
        at_ms: 0,
        ...only,
      }),
    )
    const last = rows.at(-1)?.[0]
    const position = String(at) as Position
    if (last !== undefined) {
      snapshot.after = String(last)
      snapshot.rows += rows.length
    } else wanted.shift()
    const progress: SnapshotProgress = {
      table: snapshot.table,
      ...only,
      after: snapshot.after,
      done: last === undefined,
      rows: snapshot.rows,
      rowsEstimated: null,
    }
    return [
      { kind: 'rows', tx: `s${at}`, changes },
      { kind: 'commit', tx: `s${at}`, position },
      { kind: 'snapshot', progress, position },
    ]
  }
}
