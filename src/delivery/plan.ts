import type { Delivery, Request, Route } from '../model/target.ts'

/** What one request may hold. */
export interface Limits {
  readonly rowsMax: number
  /** Bytes of the deliveries' JSON. */
  readonly bytesMax: number
}

/** A delivery with the size that its fields will have on the wire. */
export interface Sized<D> {
  readonly delivery: Delivery
  readonly bytes: number
  /** Whatever belongs to the delivery; it stays beside it. */
  readonly with: D
}

/**
 * Packs deliveries into requests, in order, each of one kind of operation. A delivery larger than a whole request travels
 * alone: the target says what it thinks of it.
 */
export function plan<D>(
  deliveries: readonly Sized<D>[],
  limits: Limits,
  next: () => { id: string; number: number },
  route: Route = 'realtime',
): { request: Request; with: D[] }[] {
  const requests: { request: Request; with: D[] }[] = []
  for (const op of ['delete', 'update', 'create', 'upsert'] as const) {
    let batch: Sized<D>[] = []
    let bytes = 0
    const close = () => {
      if (batch.length > 0)
        requests.push({
          request: { ...next(), route, deliveries: batch.map((each) => each.delivery) },
          with: batch.map((each) => each.with),
        })
      batch = []
      bytes = 0
    }
    for (const each of deliveries) {
      if (each.delivery.op !== op) continue
      if (batch.length >= limits.rowsMax || (batch.length > 0 && bytes + each.bytes > limits.bytesMax)) close()
      batch.push(each)
      bytes += each.bytes
    }
    close()
  }
  return requests
}
