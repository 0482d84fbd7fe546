/** What can go wrong in the middle of the log: failures that end the feed, and states of one table. */
import { failure, SyncError } from '../../model/failure.ts'
import type { Effect } from './ddl.ts'
import type { LastGroup, Place } from './position.ts'

/** In a domain of MariaDB the order is the same on every server; MySQL promises that only for one server's log. */
export function domainOf({ id }: LastGroup): number {
  const domain = /^(\d+)-\d+-\d+$/.exec(id)?.[1]
  return domain === undefined ? -1 : Number(domain)
}

/** The proof of one history did not come as it should. */
export function otherHistory({ id, stamp }: LastGroup, found: string): SyncError {
  const when = new Date(stamp * 1_000).toISOString()
  return new SyncError(
    failure(
      'SYNC-2015',
      `The log was read up to transaction ${id} of ${when}; in its place the server now has ${found === id ? 'another one of that number' : found}. It was reset, or restored from an older copy, or is another server.`,
    ),
  )
}

/** Something in the log that nobody here understands: nothing after it may be read. */
export function unknown(what: string, { file, offset }: Place): SyncError {
  return new SyncError(failure('SYNC-2013', `The log holds ${what}, after ${file}:${offset}.`))
}

/** A rollback of what was passed on already. */
export function lostInRollback(table: string, at: string): Effect {
  return {
    table,
    state: 'gap',
    message: `A large transaction with tables that cannot be rolled back was taken back in part, at ${at}: what is left of it in ${table} cannot be told.`,
  }
}

/** The end of an XA transaction whose begin nobody saw. */
export function unknownXa(table: string, xid: string, at: string): Effect {
  return {
    table,
    state: 'gap',
    message: `The XA transaction ${xid} was committed at ${at}, but prepared before this capture began: if it changed ${table}, those changes were not seen.`,
  }
}

/** The server lost events. */
export function incident(table: string, message: string, { file, offset }: Place): Effect {
  return {
    table,
    state: 'gap',
    message: `The server says that it lost events of its log, after ${file}:${offset} (${message}): changes of ${table} may be missing.`,
  }
}

/** A change that was logged as a difference, which cannot be read as a row. */
export function inPart(table: string, event: string, { file, offset }: Place): Effect {
  return {
    table,
    state: 'gap',
    message: `A change of ${table} was logged in part only (${event}), at ${file}:${offset}.`,
    hint: "SET GLOBAL binlog_row_value_options = ''; and take it out of the sessions that set it. Then read the table again: `syncline sync <sync> --full`.",
  }
}
