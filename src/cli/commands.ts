import type { Execute } from './io.ts'

/** One option of a command: commander's flags, what it means, and how its text is read. */
export interface OptionRow {
  /** `--flag`, or `--name <value>`. */
  readonly flags: string
  readonly text: string
  readonly read?: 'count' | 'port'
  readonly choices?: readonly string[]
  readonly default?: string
}

/** One command. Its code is loaded when it is called, so that `--help` stays quick. */
export interface CommandRow {
  /** `quarantine list`: a command of a group. */
  readonly name: string
  /** `<sync>` is needed, `[name]` may be left out. */
  readonly args: readonly string[]
  readonly text: string
  readonly options: readonly OptionRow[]
  readonly load: () => Promise<{ readonly execute: Execute }>
}

/** Options of every command. */
export const everywhere: readonly OptionRow[] = [
  { flags: '--config <file>', text: 'the configuration (default: syncline.yaml, or $SYNCLINE_CONFIG)' },
  // Not `--env-file`: Node looks for that one in the whole command line, reads the file itself, and ends where there is none.
  { flags: '--variables <file>', text: 'variables for the configuration (default: .env beside it)' },
  { flags: '--debug', text: 'log more; show where an unexpected error came from' },
]

const output: OptionRow = {
  flags: '--output <form>',
  text: 'table or json (or $SYNCLINE_OUTPUT)',
  choices: ['table', 'json'],
}
const logFormat: OptionRow = {
  flags: '--log-format <form>',
  text: 'text or json (default: text on a terminal)',
  choices: ['text', 'json'],
}
const ends: readonly OptionRow[] = [
  {
    flags: '--max-failed <n>',
    text: 'exit with 1 when more records than this fail (default: any number may)',
    read: 'count',
  },
  { flags: '--skip-code', text: 'exit with 99 when there was nothing to do' },
]
const selection: readonly OptionRow[] = [
  { flags: '--key <id>', text: 'the record with this source key; composite keys as JSON: \'["AT","0815"]\'' },
  { flags: '--code <code>', text: 'records with this cause: SYNC-4022' },
  { flags: '--stage <stage>', text: 'records that are parked at this stage: schema, rules, duplicates, target' },
  { flags: '--field <field>', text: 'records that are parked for this field' },
  { flags: '--rule <rule>', text: 'records that this rule has parked, as the list names it' },
  { flags: '--older-than <time>', text: 'records that are parked for longer: 12h, 7d' },
]
const word: readonly OptionRow[] = [
  { flags: '--by <name>', text: 'who decides this (default: $USER)' },
  { flags: '--why <reason>', text: 'why' },
]
const yes: OptionRow = { flags: '--yes', text: 'do not ask' }

/** The sections of the help, in order. */
export const groups: readonly { readonly title: string; readonly commands: readonly CommandRow[] }[] = [
  {
    title: 'Set up',
    commands: [
      {
        name: 'init',
        args: [],
        text: 'write a commented syncline.yaml to begin with',
        options: [{ flags: '--demo', text: 'the member scenario: a Salesforce emulator as the target' }],
        load: () => import('./init.ts'),
      },
      {
        name: 'lint',
        args: [],
        text: 'check the configuration without reaching a system',
        options: [{ flags: '--online', text: 'ask the systems too: tables, fields, rights' }, output],
        load: () => import('./lint.ts'),
      },
      {
        name: 'test',
        args: ['[name]'],
        text: 'run your own tests of mapping and rules, without reaching a system',
        options: [output],
        load: () => import('./test.ts'),
      },
      {
        name: 'conns test',
        args: ['[name]'],
        text: 'connect to the systems and say what is missing, with the statement that mends it',
        options: [output],
        load: () => import('./conns.ts'),
      },
      {
        name: 'doctor',
        args: [],
        text: 'check machine, state folder, configuration and connections',
        options: [{ flags: '--offline', text: 'without the connections' }, output],
        load: () => import('./doctor.ts'),
      },
      {
        name: 'schema',
        args: [],
        text: 'print the JSON Schema of syncline.yaml, for editors',
        options: [],
        load: () => import('./schema.ts'),
      },
    ],
  },
  {
    title: 'Run',
    commands: [
      {
        name: 'run',
        args: [],
        text: 'start the engine and its API; Ctrl-C stops it, the next start resumes',
        options: [
          { flags: '--once', text: 'end when nothing is pending, with one line of JSON' },
          { flags: '--no-server', text: 'without API, metrics and health' },
          { flags: '--no-progress', text: 'without progress and live figures' },
          ...ends,
          logFormat,
        ],
        load: () => import('./run.ts'),
      },
      {
        name: 'plan',
        args: ['[sync]'],
        text: 'what a full run would write, without writing',
        options: [output],
        load: () => import('./plan.ts'),
      },
      {
        name: 'sync',
        args: ['<sync>'],
        text: 'one run to the end; asks a running engine',
        options: [
          { flags: '--full', text: 'read the whole table again and send what differs' },
          { flags: '--no-progress', text: 'without progress and live figures' },
          ...ends,
          logFormat,
        ],
        load: () => import('./sync.ts'),
      },
      {
        name: 'pause',
        args: ['<sync>'],
        text: 'stop sending; changes are still captured',
        options: [output],
        load: () => import('./pause.ts'),
      },
      {
        name: 'resume',
        args: ['<sync>'],
        text: 'go on after a pause or a safety stop',
        options: [{ flags: '--approve-deletes', text: 'let the deletes through that the guard holds back' }, output],
        load: () => import('./resume.ts'),
      },
    ],
  },
  {
    title: 'Look',
    commands: [
      {
        name: 'status',
        args: [],
        text: 'where every sync stands',
        options: [output],
        load: () => import('./status.ts'),
      },
      {
        name: 'record',
        args: ['<sync>', '<id>'],
        text: 'the whole story of one record, by its source key, its id at the target or its external id',
        options: [{ flags: '--show-values', text: 'show values whole; without it they are masked' }, output],
        load: () => import('./record.ts'),
      },
      {
        name: 'audit',
        args: [],
        text: 'prove that every row that was read is accounted for',
        options: [output],
        load: () => import('./audit.ts'),
      },
      {
        name: 'quality',
        args: ['[sync]'],
        text: 'how good the data was over a period: valid share, failed checks, causes',
        options: [
          { flags: '--since <length>', text: 'whole days, today the last of them, or hours: 24h, 30d', default: '7d' },
          {
            flags: '--format <form>',
            text: 'text, json, markdown, or html: one page with charts (default: as the file of --to ends)',
            choices: ['text', 'json', 'markdown', 'html'],
          },
          { flags: '--to <file>', text: 'write it to a file' },
          output,
        ],
        load: () => import('./quality.ts'),
      },
      {
        name: 'stream tail',
        args: ['<topic>'],
        text: 'entries of a topic: sync.status, sync.<table>, <system>.<schema>.<table>',
        options: [
          {
            flags: '--format <form>',
            text: 'json, or debezium for its envelope',
            choices: ['json', 'debezium'],
            default: 'json',
          },
          { flags: '--from <place>', text: 'start, end, or after this number (default: the last 10)' },
          { flags: '--follow', text: 'go on until Ctrl-C' },
        ],
        load: () => import('./stream.ts'),
      },
    ],
  },
  {
    title: 'Mend',
    commands: [
      {
        name: 'quarantine list',
        args: ['[sync]'],
        text: 'what is in quarantine, by cause; with a filter the records',
        options: [...selection, output],
        load: () => import('./quarantine-list.ts'),
      },
      {
        name: 'quarantine release',
        args: ['<sync>'],
        text: 'judge parked records again, after the cause was mended',
        options: [
          ...selection,
          { flags: '--set <column=value...>', text: 'use this value as long as the source holds the present one' },
          ...word,
          yes,
          output,
        ],
        load: () => import('./quarantine-release.ts'),
      },
      {
        name: 'quarantine discard',
        args: ['<sync>'],
        text: 'give parked records up, for ever and by name',
        options: [
          ...selection,
          { flags: '--by <name>', text: 'who decides this' },
          { flags: '--why <reason>', text: 'why' },
          yes,
          output,
        ],
        load: () => import('./quarantine-discard.ts'),
      },
      {
        name: 'review list',
        args: ['[sync]'],
        text: 'what waits for a person: possible duplicates field by field, poor records',
        options: [...selection, output],
        load: async () => ({ execute: (await import('./review.ts')).list }),
      },
      {
        name: 'review approve',
        args: ['<sync>'],
        text: 'the same as the record that it resembles; or good enough as it is',
        options: [
          ...selection,
          { flags: '--survivor <key>', text: 'which of the records stays: a source key, or an id of the target' },
          ...word,
          yes,
          output,
        ],
        load: async () => ({ execute: (await import('./review.ts')).approve }),
      },
      {
        name: 'review reject',
        args: ['<sync>'],
        text: 'not the same, ever; what resembles nobody is given up',
        options: [...selection, ...word, yes, output],
        load: async () => ({ execute: (await import('./review.ts')).reject }),
      },
      {
        name: 'duplicates list',
        args: ['<sync>'],
        text: 'which records go with which others',
        options: [
          { flags: '--key <id>', text: 'those of the record with this source key' },
          { flags: '--decisions', text: 'what people decided' },
          { flags: '--merges', text: 'merges inside the target that people asked for' },
          output,
        ],
        load: async () => ({ execute: (await import('./duplicates.ts')).list }),
      },
      {
        name: 'duplicates common',
        args: ['<sync>'],
        text: 'values that too many records share to be compared by them',
        options: [output],
        load: async () => ({ execute: (await import('./duplicates.ts')).shared }),
      },
      {
        name: 'duplicates undo',
        args: ['<sync>', '<id>'],
        text: 'take a merged record out again, for ever',
        options: [...word, yes, output],
        load: async () => ({ execute: (await import('./duplicates.ts')).undo }),
      },
      {
        name: 'duplicates merge',
        args: ['<sync>'],
        text: 'merge inside the target what was approved as one, and is there twice',
        options: [
          { flags: '--key <id>', text: 'those of the record with this source key' },
          { flags: '--dry-run', text: 'list the pairs; nothing is asked for' },
          ...word,
          yes,
          output,
        ],
        load: async () => ({ execute: (await import('./duplicates-merge.ts')).merge }),
      },
      {
        name: 'duplicates train',
        args: ['<sync>'],
        text: 'estimate the weights of the comparison from your own records and decisions',
        options: [{ flags: '--out <file>', text: 'where they are written (default: weights-<sync>.json)' }, output],
        load: async () => ({ execute: (await import('./duplicates-train.ts')).execute }),
      },
    ],
  },
  {
    title: 'Tools',
    commands: [
      {
        name: 'emulate salesforce',
        args: [],
        text: 'a local Salesforce to try things with',
        options: [
          { flags: '--port <port>', text: 'port on 127.0.0.1', read: 'port', default: '8990' },
          { flags: '--state <folder>', text: 'where its records live (default: in memory)' },
          { flags: '--setup <file>', text: 'objects, fields, rules, clients, faults: YAML or JSON' },
          output,
        ],
        load: () => import('./emulate.ts'),
      },
      {
        name: 'generate odcs',
        args: ['<sync>'],
        text: 'what is checked of its records, as a data contract (ODCS 3.1)',
        options: [
          { flags: '--contract-version <version>', text: "the contract's own revision", default: '1.0.0' },
          { flags: '--output <form>', text: 'table (YAML) or json', choices: ['table', 'json'] },
        ],
        load: () => import('./generate.ts'),
      },
      {
        name: 'completion',
        args: ['<shell>'],
        text: 'print the completion script for bash, zsh or fish',
        options: [],
        load: () => import('./completion.ts'),
      },
    ],
  },
]

/** Every command. */
export const commands: readonly CommandRow[] = groups.flatMap((group) => group.commands)

/** What the words before a second one are for. */
export const groupTexts: Readonly<Record<string, string>> = {
  conns: 'test the connections to the systems',
  stream: 'tail: read changes and status as streams',
  review: 'list, approve or reject what waits for a person',
  duplicates: 'list or undo merges, train the comparison',
  quarantine: 'list, release or discard what was parked',
  generate: 'odcs: files for other programs',
  emulate: 'salesforce: a local CRM to try things with',
}

/** The second words of a group: `list`, `release`, `discard`. */
export const verbsOf = (group: string): string[] =>
  commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.slice(group.length + 1))
