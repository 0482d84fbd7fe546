import { failure } from '../model/failure.ts'
import type { Stored } from '../model/source.ts'
import type { Delivery, Outcome, Ref } from '../model/target.ts'
import { field, rowFrom, same } from '../model/value.ts'
import type { FlowParts } from './flow.ts'
import type { Launch } from './window.ts'

/** First and longest pause between two read-backs. */
const PAUSE_MS = 1_000
const PAUSE_MAX_MS = 30_000

/**
 * Reads the records of a request whose answer was lost, until each shows our value or the request can no longer land (I4).
 *
 * Showing our value proves that it landed only where the record showed another one before: then our shadow differs. Otherwise
 * the value may have been there already while the request is still on its way, and would overwrite what is written next; such
 * records wait until the request can no longer land.
 */
export async function land(launch: Launch, parts: FlowParts, signal: AbortSignal): Promise<Outcome[]> {
  const { clock, emit, spec, state } = parts
  const { request, mayLandUntil_ms } = launch.flight
  const before = await state.shadows(request.deliveries.map((delivery) => delivery.link))
  const outcomes: (Outcome | null)[] = request.deliveries.map(() => null)
  emit({ kind: 'landing', flow: spec.id, records: request.deliveries.length, until_ms: mayLandUntil_ms })
  for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, PAUSE_MAX_MS)) {
    // Taken before the question is asked: what it answers then holds for ever.
    const over = clock.now() > mayLandUntil_ms
    const open = outcomes.flatMap((outcome, i) => (outcome === null ? [i] : []))
    const answers = await readBack(
      open.map((i) => request.deliveries[i] as Delivery),
      parts,
      signal,
    )
    answers?.forEach((stored, at) => {
      const i = open[at] as number
      const delivery = request.deliveries[i] as Delivery
      const proof = over || differs(delivery, before[i] ?? null, parts)
      if (proof && shows(delivery, stored, parts))
        outcomes[i] = { kind: 'confirmed', id: stored?.id ?? idOf(delivery.ref) }
      else if (over)
        outcomes[i] = {
          kind: 'unsent',
          failure: failure(
            'SYNC-6006',
            'The request was lost: the target does not show its value and it can no longer land.',
          ),
        }
    })
    if (outcomes.every((outcome) => outcome !== null)) return outcomes as Outcome[]
    const left = mayLandUntil_ms + 1 - clock.now()
    await clock.sleep(left > 0 ? Math.min(pause, left) : pause, signal)
  }
}

/** The records as they are now, or null when the target cannot be asked at present. */
async function readBack(
  deliveries: readonly Delivery[],
  { target, spec }: FlowParts,
  signal: AbortSignal,
): Promise<(Stored | null)[] | null> {
  try {
    const fields = [...new Set(deliveries.flatMap((delivery) => Object.keys(delivery.set)))]
    return await target.fetch(
      spec.mapping.object,
      deliveries.map((delivery) => delivery.ref),
      fields,
      signal,
    )
  } catch {
    signal.throwIfAborted()
    return null
  }
}

/** Whether the target shows what the delivery wrote. */
function shows(delivery: Delivery, stored: Stored | null, { target }: FlowParts): boolean {
  if (delivery.op === 'delete') return stored === null
  if (stored === null) return false
  const [sent, held] = [target.normal(delivery.object, delivery.set), target.normal(delivery.object, stored.row)]
  return Object.keys(sent).every((name) => same(field(sent, name), field(held, name) ?? null))
}

/** Whether the record is known to have shown something else before: then showing our value proves that it landed. */
function differs(delivery: Delivery, shadow: string | null, { target }: FlowParts): boolean {
  if (delivery.op === 'delete') return true
  if (shadow === null) return false
  const [sent, held] = [target.normal(delivery.object, delivery.set), rowFrom(shadow)]
  return Object.keys(sent).some((name) => !same(field(sent, name), field(held, name)))
}

const idOf = (ref: Ref): string => ('id' in ref ? ref.id : '')
