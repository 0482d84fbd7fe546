import { inspect } from 'node:util'

/**
 * A secret by reference. Every way of printing it gives `[secret]`; only `reveal()` gives the value,
 * read afresh each time, so that a rotated file or variable takes effect without a restart.
 */
export class Secret {
  readonly #read: () => string
  /** Where the value comes from, for people: `${SF_SECRET}` or `${file:/run/secrets/sf}`. Never the value. */
  readonly reference: string

  constructor(reference: string, read: () => string) {
    this.reference = reference
    this.#read = read
  }

  /** The present value. Call it where it is used; never keep the result. */
  reveal(): string {
    return this.#read()
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}
