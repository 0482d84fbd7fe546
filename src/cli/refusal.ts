import type { FailureKind } from '../model/failure.ts'

/** What only the command line can fail with. The numbers continue those of src/model/failures.ts. */
export const cliFailures = {
  'SYNC-7101': {
    title: 'The command line is not right',
    retry: 'never',
    hint: '`syncline --help` lists the commands; `syncline <command> --help` lists its options.',
  },
  'SYNC-7102': {
    title: 'A file is there already',
    retry: 'manual',
    hint: 'Nothing was written. Remove the file, or work in another folder.',
  },
  'SYNC-7103': {
    title: 'There is no state yet',
    retry: 'manual',
    hint: 'Start the engine once: `syncline run`.',
  },
  'SYNC-7104': {
    title: 'The running engine cannot be asked',
    retry: 'manual',
    hint: 'It runs without its API (`--no-server`). Stop it, then repeat the command; or start it with the API.',
  },
  'SYNC-7105': {
    title: 'The running engine refused',
    retry: 'manual',
    hint: 'The log of the engine says more.',
  },
  'SYNC-7106': {
    title: 'The port is in use',
    retry: 'manual',
    hint: 'Set `server.port` to a free port (0 takes any), or start with `--no-server`.',
  },
  'SYNC-7107': {
    title: 'The audit does not add up',
    retry: 'never',
    hint: 'Keep a copy of the state folder and report this: no sequence of failures may lead here.',
  },
  'SYNC-7108': {
    title: 'Nothing is known of this',
    retry: 'never',
    hint: 'Look at the spelling. A composite key is written as a JSON array: \'["AT","0815"]\'.',
  },
  'SYNC-7109': {
    title: 'A confirmation is missing',
    retry: 'manual',
    hint: 'Repeat the command with --yes.',
  },
  'SYNC-7110': {
    title: 'More rows failed than allowed',
    retry: 'manual',
    hint: '`syncline quarantine list` shows them by cause.',
  },
  'SYNC-7111': {
    title: 'The setup of the emulator is not right',
    retry: 'manual',
    hint: 'Correct the places that are named; src/emulators/salesforce/README.md describes the file.',
  },
  'SYNC-7112': {
    title: 'A file cannot be read or written',
    retry: 'manual',
    hint: 'Look at its name and its permissions.',
  },
  'SYNC-7199': {
    title: 'A fault of Syncline itself',
    retry: 'manual',
    hint: 'Nothing that was accepted is lost. Repeat the command with --debug and report what it prints.',
  },
} as const satisfies { readonly [code: `SYNC-${number}`]: FailureKind }

/** One of them. */
export type CliCode = keyof typeof cliFailures

/** What the printing of failures needs: the failures of the model have it, and so have those of the command line. */
export interface Told {
  readonly code: string
  /** What and where. */
  readonly message: string
  /** What to do. */
  readonly hint: string
}

/** A failure of the command line on its way up to `main`. */
export class Refusal extends Error {
  readonly told: Told

  constructor(code: CliCode, message: string, hint: string = cliFailures[code].hint, options?: ErrorOptions) {
    super(message, options)
    this.name = 'Refusal'
    this.told = { code, message, hint }
  }
}
