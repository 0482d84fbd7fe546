/** What Syncline ends with: one number for each kind of ending, for scripts and schedulers. */
export const exits = {
  ok: 0,
  /** Rows failed, more than `--max-failed` allows; or an audit does not add up. */
  failed: 1,
  /** The command line, the configuration or the set-up is wrong. */
  usage: 2,
  /** A system cannot be reached, or does not let us in. */
  connection: 3,
  /** The next step could not be shown to be safe. */
  safety: 4,
  /** A fault of Syncline itself (EX_SOFTWARE of sysexits.h). */
  internal: 70,
  /** Another instance has the state folder (EX_TEMPFAIL of sysexits.h): try later. */
  locked: 75,
  /** Nothing was to be done; only with `--skip-code`. Airflow reads it as "skipped". */
  nothing: 99,
  /** Ctrl-C and SIGTERM: 128 and the signal's number. */
  interrupted: 130,
  terminated: 143,
} as const

/** One of them. */
export type Exit = (typeof exits)[keyof typeof exits]

/** Codes whose ending differs from that of their range. */
const byCode: Readonly<Record<string, Exit>> = {
  // The configuration does not fit the source.
  'SYNC-2001': exits.usage,
  'SYNC-2009': exits.usage,
  'SYNC-2010': exits.usage,
  'SYNC-2012': exits.usage,
  'SYNC-2026': exits.usage,
  // Changes may be missing, or the server is not the one that it was.
  'SYNC-2013': exits.safety,
  'SYNC-2014': exits.safety,
  'SYNC-2015': exits.safety,
  'SYNC-2016': exits.safety,
  'SYNC-2017': exits.safety,
  'SYNC-2018': exits.safety,
  'SYNC-2029': exits.safety,
  // The configuration does not fit the target.
  'SYNC-3003': exits.usage,
  'SYNC-3006': exits.usage,
  'SYNC-3035': exits.usage,
  'SYNC-3050': exits.usage,
  'SYNC-3052': exits.usage,
  'SYNC-3053': exits.usage,
  'SYNC-3054': exits.usage,
  'SYNC-3055': exits.usage,
  'SYNC-3056': exits.usage,
  'SYNC-3057': exits.usage,
  'SYNC-5001': exits.locked,
  'SYNC-5002': exits.usage,
  'SYNC-5003': exits.usage,
  'SYNC-5006': exits.usage,
  'SYNC-6006': exits.connection,
  'SYNC-6013': exits.usage,
  'SYNC-7107': exits.failed,
  'SYNC-7110': exits.failed,
  'SYNC-7199': exits.internal,
}

/** Endings by the first digit of a code: the ranges of src/model/failures.ts. */
const byRange: Readonly<Record<string, Exit>> = {
  '1': exits.usage,
  '2': exits.connection,
  '3': exits.connection,
  '4': exits.failed,
  '5': exits.safety,
  '6': exits.safety,
  '7': exits.usage,
  '8': exits.usage,
}

/** How a program ends that stops with this failure. */
export function exitOf(code: string): Exit {
  return byCode[code] ?? byRange[code.slice(5, 6)] ?? exits.internal
}
