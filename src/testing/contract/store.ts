import { test } from 'node:test'
import type { Store } from '../../model/state.ts'
import { causeCases } from './causes.ts'
import { figureCases } from './figures.ts'
import { journalCases } from './journal.ts'
import { ruleCases } from './rules.ts'
import { stateCases } from './state.ts'
import { twinCases } from './twins.ts'
import { wordCases } from './words.ts'

/** The system whose journal the cases use. */
export const SYSTEM = 'legacy'

/** A store that is tried: its files outlive its owners. */
export interface StoreUnderTest {
  /** Opens the files, again after the one before was closed. */
  open(): Promise<Store>
  /** Closes what is open and removes the files. */
  clean(): Promise<void>
}

/** What a case works with. */
export interface Trial {
  readonly store: Store
  /** Closes the store and opens the same files again. */
  reopen(): Promise<Store>
}

/** One thing that every store does. It throws when this one does not. */
export type StoreCase = (trial: Trial) => Promise<void>

/** Runs every case against a fresh store each: what `Journal` and `State` in the model promise, whoever keeps them. */
export function storeContract(name: string, make: () => StoreUnderTest): void {
  for (const [title, run] of Object.entries({
    ...journalCases,
    ...stateCases,
    ...causeCases,
    ...twinCases,
    ...wordCases,
    ...figureCases,
    ...ruleCases,
  }))
    test(`${name}: ${title}`, async () => {
      const it = make()
      try {
        let store = await it.open()
        await run({
          store,
          async reopen() {
            await store.close()
            store = await it.open()
            return store
          },
        })
        await store.close()
      } finally {
        await it.clean()
      }
    })
}
