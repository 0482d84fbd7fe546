import { failure, SyncError } from '../../src/model/failure.ts'
import type { Stored } from '../../src/model/source.ts'
import type { Delivery, Outcome, Ref, Request, Scanned, Target } from '../../src/model/target.ts'
import { field, fold, newRow, type Row, text } from '../../src/model/value.ts'
import type { Random } from '../../src/std/random.ts'
import type { World } from './clock.ts'
import { mergingIn } from './merges.ts'

/** How hostile the network and the CRM are: chances from 0 to 1. */
export interface CrmFaults {
  lostRequest: number
  lostAnswer: number
  late: number
  throttled: number
  locked: number
}

export const LANDING_MS = 7_000
export const TIMEOUT_MS = 2_000

/** One applied write, for the oracles. */
export interface Applied {
  readonly id: string
  readonly ext: string | null
  readonly v: number | null
  readonly deleted: boolean
}

/**
 * The simulated CRM: a store of records behind a network that loses requests, loses answers and lets requests land after their
 * sender gave up. Its rule: names that are `refused` are refused.
 */
export class Crm {
  readonly #world: World
  readonly #random: Random
  readonly faults: CrmFaults
  readonly records = new Map<string, Row>()
  readonly applied: Applied[] = []
  /** Requests by record that may still take effect: more than one at a time breaks I4. */
  readonly #flying = new Map<string, number>()
  /** The same by the CRM's own ids, merges included. */
  readonly #air = new Map<string, number>()
  /** Losers of merges, each with its survivor. */
  readonly merged = new Map<string, string>()
  /** Chances of merges inside it; null: it merges nothing. */
  merges: Random | null = null
  readonly violations: string[] = []
  /** Records in the order of their last change, deleted ones too, for who follows them. */
  readonly #changed: { readonly id: string; readonly n: number }[] = []
  #changes = 0
  /** Records of nobody that were there before anything was sent: none of them may get a double. Null: nobody compares with them. */
  strays: Set<string> | null = null
  /** Its rule holds: names that are `refused` are refused. */
  strict = true
  #ids = 0

  constructor(world: World, random: Random, faults: CrmFaults) {
    this.#world = world
    this.#random = random
    this.faults = faults
  }

  byExt(ext: string): [string, Row] | undefined {
    return [...this.records].find(([, row]) => text(field(row, 'Ext__c') ?? null) === ext)
  }

  #find(ref: Ref): [string, Row] | undefined {
    if ('id' in ref) {
      const row = this.records.get(ref.id)
      return row === undefined ? undefined : [ref.id, row]
    }
    return this.byExt(text(ref.value) ?? '')
  }

  /** The target connector of one incarnation. A dead one gets no answers, but what it sent arrives all the same. */
  target(alive: () => boolean): Target {
    return {
      traits: {
        wants: 'state',
        upsert: 'unique',
        conditional: false,
        landing_ms: LANDING_MS,
        requestRowsMax: 200,
        requestBytesMax: 1e6,
        requestsMax: 3,
      },
      identity: async () => 'org-1',
      check: async () => [],
      submit: (request) => this.#submit(request, alive),
      resume: () => Promise.reject(new Error('this CRM has no tickets')),
      fetch: async (_object, refs, fields) => {
        await this.#world.wait(this.#random.next() * 30, alive)
        if (this.#random.next() < this.faults.throttled) throw new Error('throttled')
        const found = refs.map((ref) => this.#find(ref))
        await this.#world.wait(this.#random.next() * 30, alive)
        return found.map((one): Stored | null => {
          if (one === undefined) return null
          const row = newRow()
          for (const name of fields) row[name] = field(one[1], name) ?? null
          return { id: one[0], row }
        })
      },
      scan: (_object, fields, after, rowsMax) => this.#scan(fields, after, rowsMax, alive),
      ...(this.merges === null ? {} : { merging: mergingIn(this, this.#world, this.merges, alive) }),
      normal: (_object, row) => row,
      close: async () => {},
    }
  }

  /** A record that somebody made there by hand, or took away. */
  stray(mail: string): string {
    const id = `crm${++this.#ids}`
    this.records.set(id, { Name: 'by hand', Mail__c: mail })
    this.#mark(id)
    return id
  }

  remove(id: string): void {
    this.records.delete(id)
    this.strays?.delete(id)
    this.#mark(id)
  }

  /** From here on a request may change these records: one at a time (I4). */
  takeOff(ids: readonly string[]): void {
    for (const id of ids) {
      const flying = (this.#air.get(id) ?? 0) + 1
      if (flying > 1) this.violations.push(`I4: two requests for record ${id} may land`)
      this.#air.set(id, flying)
    }
  }

  touchDown(ids: readonly string[]): void {
    for (const id of ids) this.#air.set(id, (this.#air.get(id) ?? 1) - 1)
  }

  #mark(id: string): void {
    const at = this.#changed.findIndex((each) => each.id === id)
    if (at >= 0) this.#changed.splice(at, 1)
    this.#changed.push({ id, n: ++this.#changes })
  }

  async #scan(
    fields: readonly string[],
    after: string | null,
    rowsMax: number,
    alive: () => boolean,
  ): Promise<Scanned> {
    await this.#world.wait(this.#random.next() * 30, alive)
    if (this.#random.next() < this.faults.throttled) throw new SyncError(failure('SYNC-6006', 'throttled'))
    const some = this.#changed.filter(({ n }) => n > Number(after ?? 0)).slice(0, Math.min(rowsMax, 3))
    const rows = some.flatMap(({ id }): Stored[] => {
      const found = this.records.get(id)
      if (found === undefined) return []
      const row = newRow()
      for (const name of fields) row[name] = field(found, name) ?? null
      return [{ id, row }]
    })
    const gone = some.filter(({ id }) => !this.records.has(id)).map(({ id }) => id)
    const last = some.at(-1)?.n ?? Number(after ?? 0)
    await this.#world.wait(this.#random.next() * 30, alive)
    return { rows, gone, after: String(last), isAll: last === this.#changes }
  }

  /** A record is made although one of nobody is there that it would be. */
  #double(delivery: Delivery): void {
    const mail = text(field(delivery.set, 'Mail__c') ?? null)
    const same = [...(this.strays ?? [])].filter(
      (id) => text(field(this.records.get(id) ?? {}, 'Mail__c') ?? null) === mail,
    )
    if (mail !== null && same.length === 1)
      this.violations.push(`O10: link ${delivery.link} got a record of its own beside ${same[0]}, which is the same`)
  }

  #submit(request: Request, alive: () => boolean): Promise<Outcome[]> {
    const { promise, resolve } = Promise.withResolvers<Outcome[]>()
    const random = () => this.#random.next()
    const answer = (outcomes: Outcome[]) => alive() && resolve(outcomes)
    const every = (outcome: Outcome) => request.deliveries.map(() => outcome)
    const sent = this.#world.now()
    const unknown = every({
      kind: 'unknown',
      failure: failure('SYNC-6006', 'timed out'),
      mayLandUntil_ms: sent + LANDING_MS,
    })
    this.#world.trace(`send ${request.number} ${request.deliveries.map((d) => `${d.op}:${d.link}`).join(' ')}`)
    if (random() < this.faults.throttled) {
      this.#world.schedule(5 + random() * 20, () =>
        answer(every({ kind: 'unsent', failure: failure('SYNC-6006', 'throttled') })),
      )
      return promise
    }
    if (random() < this.faults.lostRequest) {
      this.#world.schedule(TIMEOUT_MS, () => answer(unknown))
      return promise
    }
    const late = random() < this.faults.late
    const arrival = late ? TIMEOUT_MS + random() * (LANDING_MS - TIMEOUT_MS) : 5 + random() * 50
    for (const { link } of request.deliveries) {
      const flying = (this.#flying.get(String(link)) ?? 0) + 1
      if (flying > 1) this.violations.push(`I4: two requests for link ${link} may land`)
      this.#flying.set(String(link), flying)
    }
    const ids = request.deliveries.flatMap(({ ref }) => this.#find(ref)?.[0] ?? [])
    this.takeOff(ids)
    let outcomes: Outcome[] = unknown
    this.#world.schedule(arrival, () => {
      outcomes = request.deliveries.map((delivery) => this.#apply(delivery))
      this.touchDown(ids)
      for (const { link } of request.deliveries)
        this.#flying.set(String(link), (this.#flying.get(String(link)) ?? 1) - 1)
    })
    if (late || random() < this.faults.lostAnswer) this.#world.schedule(TIMEOUT_MS, () => answer(unknown))
    else this.#world.schedule(arrival + 5 + random() * 50, () => answer(outcomes))
    return promise
  }

  #apply(delivery: Delivery): Outcome {
    this.#world.trace(`apply ${delivery.op}:${delivery.link} ${JSON.stringify(delivery.set)}`)
    if (this.#random.next() < this.faults.locked)
      return { kind: 'unsent', failure: failure('SYNC-6006', 'row is locked') }
    if (this.strict && field(delivery.set, 'Name') === 'refused')
      return { kind: 'rejected', failure: failure('SYNC-4001', 'the name is refused') }
    const found = this.#find(delivery.ref)
    if (delivery.op === 'delete') {
      if (found !== undefined) {
        this.records.delete(found[0])
        this.#mark(found[0])
        this.applied.push({ id: found[0], ext: text(field(found[1], 'Ext__c') ?? null), v: null, deleted: true })
      }
      return { kind: 'confirmed', id: 'id' in delivery.ref ? delivery.ref.id : (found?.[0] ?? '') }
    }
    if (found === undefined && delivery.op === 'update')
      return { kind: 'rejected', failure: failure('SYNC-4001', 'no such record') }
    // As Salesforce does: the external id is unique, also among records that are only marked as deleted.
    const ext = text(field(delivery.set, 'Ext__c') ?? null)
    const owner = ext === null ? undefined : this.byExt(ext)
    if (delivery.op === 'update' && owner !== undefined && owner[0] !== found?.[0])
      return { kind: 'rejected', failure: failure('SYNC-4002', 'duplicate external id') }
    if (found === undefined) this.#double(delivery)
    const id = found?.[0] ?? `crm${++this.#ids}`
    this.strays?.delete(id)
    this.#mark(id)
    const ref = 'id' in delivery.ref ? {} : { [delivery.ref.field]: delivery.ref.value }
    const row = fold(found?.[1] ?? newRow(), { ...ref, ...delivery.set })
    this.records.set(id, row)
    const v = field(row, 'V__c')
    this.applied.push({
      id,
      ext: text(field(row, 'Ext__c') ?? null),
      v: typeof v === 'number' ? v : null,
      deleted: false,
    })
    return { kind: 'confirmed', id, created: found === undefined }
  }
}
