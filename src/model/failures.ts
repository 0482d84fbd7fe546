import type { FailureKind } from './failure.ts'

/**
 * Every failure that Syncline knows, by its stable code. CLI, dashboard, alerts and docs/reference/errors.md show these words.
 * Ranges: 1xxx configuration, 2xxx sources, 3xxx targets, 4xxx rows, 5xxx state and disk, 6xxx engine and safety stops,
 * 7xxx command line and set-up, 8xxx API.
 */
export const failures = {
  // 3xxx: targets
  'SYNC-3001': {
    title: 'The target cannot be reached',
    retry: 'timed',
    hint: 'Nothing was sent. Check the address, the network, name resolution, the proxy and the firewall; delivery goes on by itself.',
  },
  'SYNC-3002': {
    title: 'The certificate of the target is not trusted',
    retry: 'manual',
    hint: 'Name the file of your certificate authority as `ca:` of the system, or mend the certificate. Nothing was sent.',
  },
  'SYNC-3003': {
    title: 'The address of the target is not allowed',
    retry: 'manual',
    hint: 'Use the https:// address of the target. Link-local and metadata addresses are never used; http:// only to this machine.',
  },
  'SYNC-3004': {
    title: 'The answer of the target was lost or cannot be read',
    retry: 'timed',
    hint: 'Nothing to do: the records are read back before anything else is sent for them.',
  },
  'SYNC-3005': {
    title: 'A request was stopped before it was sent',
    retry: 'timed',
    hint: 'Nothing to do: it is sent later.',
  },
  'SYNC-3006': {
    title: 'A certificate file cannot be read',
    retry: 'manual',
    hint: 'Point `ca:` at a readable file of PEM certificates.',
  },
  'SYNC-3010': {
    title: 'The target does not know our application',
    retry: 'manual',
    hint: 'Check clientId and clientSecret, that the app allows this OAuth flow, and that the address is the one of your own domain.',
  },
  'SYNC-3011': {
    title: 'The target refuses the integration user',
    retry: 'manual',
    hint: 'Check the user name, that the app is approved for this user, that the certificate is uploaded, and the audience (sandboxes have another).',
  },
  'SYNC-3012': {
    title: 'The login service of the target does not work',
    retry: 'timed',
    hint: 'Nothing was sent; it is tried again. Look at the status page of the target if it lasts.',
  },
  'SYNC-3013': {
    title: 'The target refuses fresh sessions',
    retry: 'manual',
    hint: 'A token that was just issued was refused. Check the session settings, IP restrictions and permissions of the integration user.',
  },
  'SYNC-3014': {
    title: 'A key or secret for the target cannot be used',
    retry: 'manual',
    hint: 'Check that the reference can be read, and that a private key is PEM (RSA, 2048 bits or more).',
  },
  'SYNC-3015': {
    title: 'The integration user may not use the API',
    retry: 'manual',
    hint: 'Give the integration user the permission "API Enabled", and check that the edition of the organisation has API access.',
  },
  'SYNC-3020': {
    title: 'The request limit of the target is used up',
    retry: 'timed',
    hint: 'Nothing was written. Delivery goes on when the limit has room again; lower the load or raise the limit if it happens often.',
  },
  'SYNC-3021': {
    title: 'The target is busy or in maintenance',
    retry: 'timed',
    hint: 'Nothing was written; it is tried again. Look at the status page of the target if it lasts.',
  },
  'SYNC-3022': {
    title: 'The target does not offer this version of its API',
    retry: 'manual',
    hint: 'Set `apiVersion:` of the system to a version that the target offers.',
  },
  'SYNC-3023': {
    title: 'The object or resource does not exist at the target',
    retry: 'manual',
    hint: 'Check the name of the object, the key field and the address, and that the integration user may see them.',
  },
  'SYNC-3024': {
    title: 'The storage of the target is full',
    retry: 'manual',
    hint: 'Free or buy data storage at the target, then `syncline resume <sync>`.',
  },
  'SYNC-3025': {
    title: 'The target refused the whole request',
    retry: 'manual',
    hint: 'Run `syncline lint --online`. If it finds nothing, report this message.',
  },
  'SYNC-3030': {
    title: 'The record is locked by another transaction at the target',
    retry: 'timed',
    hint: 'Nothing to do: it is sent again. Lower `requestsMax` if it happens often: records of one parent lock each other.',
  },
  'SYNC-3031': {
    title: 'The target refused the data of the record',
    retry: 'manual',
    hint: 'Mend the value at the source, the mapping, or the rule at the target, then release the record from quarantine.',
  },
  'SYNC-3032': {
    title: 'The target found a duplicate',
    retry: 'manual',
    hint: 'Merge the records at the target or give the existing one the external id, then release the record. Nothing is saved over a duplicate rule by itself.',
  },
  'SYNC-3033': {
    title: 'The record refers to one that the target does not have',
    retry: 'manual',
    hint: 'Sync the parent first, or mend the reference, then release the record.',
  },
  'SYNC-3034': {
    title: 'The record does not exist at the target any more',
    retry: 'manual',
    hint: 'Restore it at the target, or discard the change.',
  },
  'SYNC-3035': {
    title: 'The mapping does not fit the target',
    retry: 'manual',
    hint: 'Run `syncline lint --online`: a field is missing, read-only, or hidden from the integration user.',
  },
  'SYNC-3036': {
    title: 'The record was rolled back because of another one',
    retry: 'timed',
    hint: 'Nothing to do: it is sent again.',
  },
  'SYNC-3037': {
    title: 'A value cannot be written to the target exactly',
    retry: 'manual',
    hint: 'Convert the value in the mapping, or use another field type at the target. Nothing is rounded or guessed.',
  },
  'SYNC-3038': {
    title: 'The target refused the record for a reason that is not in our table',
    retry: 'manual',
    hint: 'Look the code up in the documentation of the target; release the record when the cause is mended.',
  },
  'SYNC-3039': {
    title: 'The record is locked for approval, or archived',
    retry: 'manual',
    hint: 'Wait for the approval to end or unlock the record, then release it from quarantine.',
  },
  'SYNC-3040': {
    title: 'An automation of the target failed for the record',
    retry: 'manual',
    hint: 'A trigger, flow or duplicate job of the organisation failed: its owner mends it, then release the record.',
  },
  'SYNC-3050': {
    title: 'The target has no such object',
    retry: 'manual',
    hint: 'Check `target.object`, and that the integration user may see the object.',
  },
  'SYNC-3051': {
    title: 'The integration user may not write the object',
    retry: 'manual',
    hint: 'Give the integration user create, read and edit (and delete, with `deletes: hard`) on the object.',
  },
  'SYNC-3052': {
    title: 'The target has no such field',
    retry: 'manual',
    hint: 'Check the name in `fields:`, and the field-level security of the integration user.',
  },
  'SYNC-3053': {
    title: 'A field of the target cannot be written',
    retry: 'manual',
    hint: 'Take the field out of `fields:`, or give the integration user edit access to it.',
  },
  'SYNC-3054': {
    title: 'The key field is not a unique external id',
    retry: 'manual',
    hint: 'Mark the field as "External ID" and "Unique" at the target, or choose another key: without both, a repeated send makes duplicates.',
  },
  'SYNC-3055': {
    title: 'A required field of the target is not mapped',
    retry: 'manual',
    hint: 'New records will be refused. Map the field, or give it a default at the target.',
  },
  'SYNC-3056': {
    title: 'A field of the target takes only values of its list',
    retry: 'manual',
    hint: 'Other values will be refused, and their records quarantined. A value map in `fields:` can translate them.',
  },
  'SYNC-3057': {
    title: 'Text fields of the target have a greatest length',
    retry: 'manual',
    hint: 'Longer texts will be refused, and their records quarantined.',
  },
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
