import type { FailureKind } from './failure.ts'

/**
 * Every failure that Syncline knows, by its stable code. CLI, dashboard, alerts and docs/reference/errors.md show these words.
 * Ranges: 1xxx configuration, 2xxx sources, 3xxx targets, 4xxx rows, 5xxx state and disk, 6xxx engine and safety stops,
 * 7xxx command line and set-up, 8xxx API.
 */
export const failures = {
  // 4xxx: rows
  'SYNC-4001': {
    title: 'A row has no key',
    retry: 'manual',
    hint: 'Give the row a value in every key column, or exclude it with `where`.',
  },
  'SYNC-4002': {
    title: 'Two source rows map to one external id',
    retry: 'manual',
    hint: 'Make the key expression tell the two rows apart, or mend one of the rows.',
  },
  // 5xxx: state and disk
  'SYNC-5001': {
    title: 'Another instance uses this state folder',
    retry: 'manual',
    hint: 'Stop the other instance first, or give this one its own `state:` folder.',
  },
  'SYNC-5002': {
    title: 'The state was written by a newer version',
    retry: 'manual',
    hint: 'Run the version of Syncline that wrote it, or a newer one.',
  },
  'SYNC-5003': {
    title: 'This SQLite can corrupt its write-ahead log',
    retry: 'manual',
    hint: 'Use Node 24.15 or newer (SQLite 3.51.3 or newer).',
  },
  'SYNC-5004': {
    title: 'A write to the state failed',
    retry: 'manual',
    hint: 'Free disk space or mend the disk, then start again. What was accepted before is safe; nothing was acknowledged after.',
  },
  'SYNC-5005': {
    title: 'Journal and state do not belong together',
    retry: 'manual',
    hint: 'Restore journal and state from the same backup, the state first.',
  },
  'SYNC-5006': {
    title: 'The state folder cannot be used',
    retry: 'manual',
    hint: 'Give the folder to the user that runs Syncline (mode 0700), on a local disk.',
  },
  // 6xxx: engine and safety stops
  'SYNC-6001': {
    title: 'Too many deletes at once',
    retry: 'manual',
    hint: 'Look at `syncline plan`. If the deletes are meant: `syncline resume <sync> --approve-deletes`.',
  },
  'SYNC-6002': {
    title: 'The target is another one than before',
    retry: 'manual',
    hint: 'Point the configuration at the system that this state belongs to, or start with a new `state:` folder.',
  },
  'SYNC-6003': {
    title: 'A table was truncated at the source',
    retry: 'manual',
    hint: 'Nothing was deleted at the target. `syncline sync <sync> --full` reads the table again; `syncline resume <sync>` goes on without.',
  },
  'SYNC-6004': {
    title: 'A table changed in a way that cannot be followed',
    retry: 'manual',
    hint: 'Mend the mapping, then `syncline sync <sync> --full`.',
  },
  'SYNC-6005': {
    title: 'Changes of this table were lost at the source',
    retry: 'manual',
    hint: 'Read the table again: `syncline sync <sync> --full`.',
  },
  'SYNC-6006': {
    title: 'The answer to a request was lost',
    retry: 'timed',
    hint: 'Nothing to do: the record is read back before anything else is sent for it.',
  },
  'SYNC-6007': { title: 'The sync is paused', retry: 'manual', hint: 'Go on with `syncline resume <sync>`.' },
  'SYNC-6008': {
    title: 'Two owners of one flow',
    retry: 'manual',
    hint: 'Another process took this flow over. Run one instance only.',
  },
} as const satisfies { readonly [code: `SYNC-${number}`]: FailureKind }
