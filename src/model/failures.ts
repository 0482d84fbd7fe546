/**
 * What may be done about a failure. `timed`: again by itself, later. `manual`: after a person mended the cause.
 * `never`: the same input will always fail.
 */
export type Retry = 'timed' | 'manual' | 'never'

/** One line of the failure table. */
export interface FailureKind {
  /** What is wrong, in general: the title in docs and dashboard. */
  readonly title: string
  readonly retry: Retry
  /** What to do. An occurrence may carry a more exact one (the very SQL statement). */
  readonly hint: string
}

/**
 * Every failure that Syncline knows, by its stable code. CLI, dashboard, alerts and docs/reference/errors.md show these words.
 * Ranges: 1xxx configuration, 2xxx sources, 3xxx targets, 4xxx rows, 5xxx state and disk, 6xxx engine and safety stops,
 * 7xxx command line and set-up, 8xxx API.
 */
export const failures = {
  // 1xxx: configuration
  'SYNC-1001': {
    title: 'There is no configuration',
    retry: 'manual',
    hint: 'Create one with `syncline init`, or name one with `--config <file>`.',
  },
  'SYNC-1002': {
    title: 'The configuration is not valid YAML',
    retry: 'manual',
    hint: 'Mend the line that is named. YAML is indented with spaces, never with tabs.',
  },
  'SYNC-1003': {
    title: 'The configuration has an unknown key',
    retry: 'manual',
    hint: 'Correct or remove the key; docs/reference/config.md lists all of them.',
  },
  'SYNC-1004': {
    title: 'A key is given twice',
    retry: 'manual',
    hint: 'Remove one of the two, or rename one.',
  },
  'SYNC-1005': {
    title: 'A setting has a value of the wrong kind',
    retry: 'manual',
    hint: 'Write the value as the message says.',
  },
  'SYNC-1006': {
    title: 'A setting is out of range',
    retry: 'manual',
    hint: 'Choose a value inside the range.',
  },
  'SYNC-1007': {
    title: 'A secret is written in clear',
    retry: 'manual',
    hint: 'Write a reference instead: ${VARIABLE} or ${file:/run/secrets/name}. Treat the secret as known to others, and change it.',
  },
  'SYNC-1008': {
    title: 'An environment variable is not set',
    retry: 'manual',
    hint: 'Set the variable, or give a default: ${NAME:default}.',
  },
  'SYNC-1009': {
    title: 'A file with a secret cannot be used',
    retry: 'manual',
    hint: 'Make the file readable to the user that runs Syncline, and to nobody else: chmod 0600 <file>.',
  },
  'SYNC-1010': {
    title: 'The configuration is too large',
    retry: 'manual',
    hint: 'At most 1 MB, 64 levels and 100 aliases; split what is larger into several installations.',
  },
  'SYNC-1011': {
    title: 'A name is not allowed',
    retry: 'manual',
    hint: 'Choose another name.',
  },
  'SYNC-1012': {
    title: 'The configuration names something that does not exist',
    retry: 'manual',
    hint: 'Correct the name, or define what it names.',
  },
  'SYNC-1013': {
    title: 'Two rules write the same target field',
    retry: 'manual',
    hint: 'Let one rule write the field; combine both inputs in an `expr` if both are needed.',
  },
  'SYNC-1014': {
    title: 'Syncs form a circle',
    retry: 'manual',
    hint: 'Remove one of the syncs: each would answer to what the other one writes, without end.',
  },
  'SYNC-1015': {
    title: 'A regular expression cannot be used',
    retry: 'manual',
    hint: 'Correct the pattern; back references and look-around are not supported, as they can take exponential time.',
  },
  'SYNC-1016': {
    title: 'An address is not allowed',
    retry: 'manual',
    hint: 'Write the address of the system itself, with its scheme and its host, as the message says.',
  },
  'SYNC-1017': {
    title: 'An expression cannot be used',
    retry: 'manual',
    hint: 'Correct the expression at the caret; docs/reference/expressions.md lists the functions.',
  },
  'SYNC-1018': {
    title: 'A JSON Schema cannot be used',
    retry: 'manual',
    hint: 'Correct the schema: JSON Schema 2020-12, local references only.',
  },
  'SYNC-1019': {
    title: 'A required setting is missing',
    retry: 'manual',
    hint: 'Add the setting; docs/reference/config.md says what it means.',
  },
  'SYNC-1020': {
    title: 'This version does not support a setting',
    retry: 'manual',
    hint: 'Remove the setting. It is refused, not ignored, so that nobody relies on what does not happen.',
  },
  'SYNC-1021': {
    title: 'A rule of the mapping is not complete or contradicts itself',
    retry: 'manual',
    hint: 'Write the rule as the message says.',
  },
  'SYNC-1022': {
    title: 'A reference to a variable or file is not written correctly',
    retry: 'manual',
    hint: 'Write ${NAME}, ${NAME:default} or ${file:/path}; a literal ${…} is written ${{…}}.',
  },
  'SYNC-1023': {
    title: 'The configuration cannot be read',
    retry: 'manual',
    hint: 'Make the file readable to the user that runs Syncline.',
  },
  'SYNC-1024': {
    title: 'A Debezium configuration cannot be used',
    retry: 'manual',
    hint: 'Mend the property that is named; docs/debezium.md lists what is read from such a file.',
  },
  'SYNC-1025': {
    title: 'Properties of a Debezium configuration have no effect here',
    retry: 'manual',
    hint: 'Nothing needs to be done where the way that is named suits you; docs/debezium.md says what takes the place of each.',
  },
  'SYNC-1026': {
    title: 'A rule cannot be used',
    retry: 'manual',
    hint: 'Mend the rule or the part of the quality score that is named; docs/validation.md shows how each is written.',
  },
  'SYNC-1027': {
    title: 'A reference set cannot be used',
    retry: 'manual',
    hint: 'Name a field that is mapped (or row.<column>), and a table and column of a system, a file (CSV, JSON, YAML), or a list.',
  },
  'SYNC-1028': {
    title: 'Weights of the duplicate stage cannot be used',
    retry: 'manual',
    hint: 'Write them anew with `syncline duplicates train`, or remove `weights:` to use those that are shipped.',
  },
  'SYNC-1029': {
    title: 'The duplicate stage is not complete or contradicts itself',
    retry: 'manual',
    hint: 'Write `validate: duplicates:` as the message says.',
  },
  'SYNC-1030': {
    title: 'A schedule that cannot be followed',
    retry: 'manual',
    hint: 'Five fields: minute, hour, day of the month, month, day of the week; "0 7 * * 1" is every Monday at seven. Times are those of `timezone`.',
  },
  // 2xxx: sources
  'SYNC-2001': {
    title: 'A source is configured wrongly',
    retry: 'manual',
    hint: 'Mend the options of this system in syncline.yaml.',
  },
  'SYNC-2002': {
    title: 'The source cannot be reached',
    retry: 'timed',
    hint: 'Check host, port and firewall, and that the server runs. `syncline run` tries again by itself.',
  },
  'SYNC-2003': {
    title: 'The source refused the login',
    retry: 'manual',
    hint: 'Check user, password and database in `url:`, and that the server admits this user from this machine (PostgreSQL: pg_hba.conf; MySQL, MariaDB: the host of the account).',
  },
  'SYNC-2004': {
    title: 'No encrypted connection to the source',
    retry: 'manual',
    hint: 'Give the authority that signed its certificate as `tls: { ca: "${file:…}" }`, or switch TLS on at the server.',
  },
  'SYNC-2005': {
    title: 'The connection to the source was lost',
    retry: 'timed',
    hint: 'Nothing to do while an engine runs: it opens the connection again and goes on where it stopped.',
  },
  'SYNC-2006': {
    title: 'The source has a version that is not supported',
    retry: 'manual',
    hint: 'Upgrade the server, or capture the table by timestamp instead of the log.',
  },
  'SYNC-2007': {
    title: 'The source does not log row changes',
    retry: 'manual',
    hint: 'PostgreSQL: ALTER SYSTEM SET wal_level = logical; MySQL, MariaDB: log_bin, server_id and binlog_format = ROW under [mysqld] in my.cnf. Then restart the server.',
  },
  'SYNC-2008': {
    title: 'A privilege is missing at the source',
    retry: 'manual',
    hint: 'Grant the privilege that the message names.',
  },
  'SYNC-2009': {
    title: 'A table does not exist at the source',
    retry: 'manual',
    hint: 'Mend the name in syncline.yaml; give the schema too where it is not `public`.',
  },
  'SYNC-2010': {
    title: 'A table has no usable key',
    retry: 'manual',
    hint: 'Give the table a primary key.',
  },
  'SYNC-2011': {
    title: 'The log does not name the updated and deleted rows of a table',
    retry: 'manual',
    hint: 'PostgreSQL: ALTER TABLE … REPLICA IDENTITY DEFAULT; MySQL, MariaDB: binlog_row_image = FULL, also in the sessions that write.',
  },
  'SYNC-2012': {
    title: 'A table of this kind cannot be captured',
    retry: 'manual',
    hint: 'Capture the tables that it is made from, or read it as a batch.',
  },
  'SYNC-2013': {
    title: 'The change log holds something unknown',
    retry: 'manual',
    hint: 'Nothing was skipped. Upgrade Syncline; if this is the newest version, report the message.',
  },
  'SYNC-2014': {
    title: 'The source is another one than before',
    retry: 'manual',
    hint: 'Point the configuration at the server that this state belongs to, or start with a new `state:` folder and a full read.',
  },
  'SYNC-2015': {
    title: 'The source is behind what was already read from it',
    retry: 'manual',
    hint: 'It was restored from an older copy. Start with a new `state:` folder and a full read.',
  },
  'SYNC-2016': {
    title: 'The replication slot is missing',
    retry: 'manual',
    hint: 'Somebody dropped it, and with it the changes since. Start with a new `state:` folder and a full read.',
  },
  'SYNC-2017': {
    title: 'The replication slot is ahead of what was stored',
    retry: 'manual',
    hint: 'The changes between were thrown away. Drop the slot, then start with a new `state:` folder and a full read.',
  },
  'SYNC-2018': {
    title: 'The server invalidated the replication slot',
    retry: 'manual',
    hint: 'It kept more log than it was allowed to. Drop the slot, raise max_slot_wal_keep_size, then start with a new `state:` folder and a full read.',
  },
  'SYNC-2019': {
    title: 'The replication slot is in use',
    retry: 'timed',
    hint: 'Another process reads it. Stop that process, or give each installation its own `slot:`.',
  },
  'SYNC-2020': {
    title: 'The replication slot belongs to something else',
    retry: 'manual',
    hint: 'Set `slot:` of this system to a name of its own.',
  },
  'SYNC-2021': {
    title: 'The publication does not cover a table',
    retry: 'manual',
    hint: 'Run the statement that the message names as the owner of the publication.',
  },
  'SYNC-2022': {
    title: 'Row-level security hides rows',
    retry: 'manual',
    hint: 'PostgreSQL: ALTER ROLE … BYPASSRLS; or use the owner of the table.',
  },
  'SYNC-2023': {
    title: 'A standby server cannot be captured',
    retry: 'manual',
    hint: 'Point `url:` at the primary server.',
  },
  'SYNC-2024': {
    title: 'No replication slot or sender is free at the source',
    retry: 'manual',
    hint: 'Raise max_replication_slots and max_wal_senders and restart the server, or drop slots that nobody uses.',
  },
  'SYNC-2025': {
    title: 'The source keeps much of its log for us',
    retry: 'manual',
    hint: 'Let Syncline catch up. If it is not needed any more: SELECT pg_drop_replication_slot(…);',
  },
  'SYNC-2026': {
    title: 'A column is not in the change log',
    retry: 'manual',
    hint: 'Nothing to do: it is read from the table when a row changes.',
  },
  'SYNC-2027': {
    title: 'The source is set up in a way that can hurt later',
    retry: 'manual',
    hint: 'See the message.',
  },
  'SYNC-2028': {
    title: 'The source could not answer a query',
    retry: 'timed',
    hint: '`syncline run` tries again by itself. If it goes on, the message of the server says what is wrong.',
  },
  'SYNC-2029': {
    title: 'A stored position cannot be read',
    retry: 'manual',
    hint: 'Restore journal and state from the same backup, or start with a new `state:` folder and a full read.',
  },
  'SYNC-2030': {
    title: 'A reference set cannot be asked, and what is remembered of it is too old',
    retry: 'timed',
    hint: '`syncline run` tries again by itself; the sync waits meanwhile. `stale: park` or `stale: accept` of the set goes on without it.',
  },
  'SYNC-2031': {
    title: 'A function of a rule or a merge cannot be run',
    retry: 'manual',
    hint: 'Mend the function (it cannot be loaded, runs too long, uses too much memory, or ends its process), then `syncline resume <sync>`.',
  },
  'SYNC-2032': {
    title: 'The part of the log that is needed was deleted',
    retry: 'manual',
    hint: 'The changes in it are gone for us. Start with a new `state:` folder and a full read, and let the server keep its log longer (binlog_expire_logs_seconds; MariaDB: expire_logs_days).',
  },
  'SYNC-2033': {
    title: 'Another reader of the log has our number',
    retry: 'timed',
    hint: 'Two installations read this server with the same `serverId:`, or with copies of one state folder, or one runs twice: the server cuts the older one each time. Stop one of them, or take `serverId:` out of the configuration.',
  },
  'SYNC-2034': {
    title: 'The log itself is damaged',
    retry: 'manual',
    hint: 'Run `mysqlbinlog --verify-binlog-checksum` on the file that the message names; if it is damaged, delete it (PURGE BINARY LOGS) and start with a new `state:` folder and a full read.',
  },
  // 3xxx: targets
  'SYNC-3001': {
    title: 'The target cannot be reached',
    retry: 'timed',
    hint: 'Nothing was sent. Check the address, the network, name resolution, the proxy and the firewall. `syncline run` goes on by itself when it is back.',
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
    hint: 'Nothing was sent; a running engine tries again. If it lasts, look at `url:` and at the status page of the target.',
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
  'SYNC-3041': {
    title: 'The target cannot merge records of this object',
    retry: 'never',
    hint: 'Salesforce merges accounts, contacts, leads and cases. Others are merged by hand: move what refers to one of them, then delete it.',
  },
  'SYNC-3042': {
    title: 'One of two records that were to be merged cannot be found at the target',
    retry: 'manual',
    hint: 'Look for the two records at the target: one was deleted, or the integration user cannot see it. Nothing was merged.',
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
    hint: 'Longer texts will be refused, and their records quarantined. With `maxLength` in `fields:` or in the schema they are parked before they are sent.',
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
    hint: 'Make the key expression tell the two rows apart, or mend one of the rows: the other one then goes through by itself.',
  },
  'SYNC-4003': {
    title: 'The external id is still held by a record that is to have another one',
    retry: 'manual',
    hint: 'Mend the record that has it at the target (it is in quarantine too); this one then goes through by itself. Where records exchange their external ids, give one of them an id that nobody has for a while.',
  },
  // 4010 to 4029: mapping; 4030 to 4049: validation
  'SYNC-4010': {
    title: 'A value of the source cannot be read',
    retry: 'manual',
    hint: 'Mend the value at the source, or give the field another rule (a value map, an expression).',
  },
  'SYNC-4011': {
    title: 'A number is not a finite number',
    retry: 'manual',
    hint: 'Mend the value at the source, or map it: `map: { NaN: null }` with `unmapped: keep`.',
  },
  'SYNC-4012': {
    title: 'A date lies outside of the years 1 to 9999',
    retry: 'manual',
    hint: 'Mend the date at the source, or map it: `map: { infinity: null }` with `unmapped: keep`.',
  },
  'SYNC-4013': {
    title: 'A text is not well-formed Unicode',
    retry: 'manual',
    hint: 'Mend the text at the source: half of a surrogate pair has no meaning anywhere else.',
  },
  'SYNC-4014': {
    title: 'A text holds control characters',
    retry: 'manual',
    hint: 'Mend the text at the source, or let the mapping take them out with `controls: strip`.',
  },
  'SYNC-4015': {
    title: 'A value is larger than the limit of a field',
    retry: 'manual',
    hint: 'Shorten the value at the source, leave the field out, or raise its `bytes`.',
  },
  'SYNC-4016': {
    title: 'A text is longer than its field allows',
    retry: 'manual',
    hint: 'Shorten the text at the source, or allow it to be cut with the transform `truncate`.',
  },
  'SYNC-4017': {
    title: 'A value is not in the value map',
    retry: 'manual',
    hint: 'Add the value to `map`, mend it at the source, or say what happens to others with `unmapped: keep` or `unmapped: null`.',
  },
  'SYNC-4018': {
    title: 'A value is not a number, or not true or false',
    retry: 'manual',
    hint: 'Mend the value at the source, or give the transform the form in which it is written.',
  },
  'SYNC-4019': {
    title: 'A text is not a date of the stated form',
    retry: 'manual',
    hint: 'Mend the date at the source, or correct the pattern of the transform `date`.',
  },
  'SYNC-4020': {
    title: 'A time does not exist, or happens twice, in its time zone',
    retry: 'manual',
    hint: 'Mend the time at the source, or decide with `gap: later` or `overlap: earlier` in the transform `date`.',
  },
  'SYNC-4021': {
    title: 'A text is not a telephone number',
    retry: 'manual',
    hint: 'Mend the number at the source; write it with + and the country code, or state the country in the transform `phone`.',
  },
  'SYNC-4022': {
    title: 'A text is not an e-mail address',
    retry: 'manual',
    hint: 'Mend the address at the source.',
  },
  'SYNC-4023': {
    title: 'An expression cannot be evaluated for a row',
    retry: 'manual',
    hint: 'Mend the value at the source, or make the expression cover it: has(), coalesce(), string(), number().',
  },
  'SYNC-4024': {
    title: 'A transform does not fit the type of a value',
    retry: 'manual',
    hint: 'Correct the list of transforms: they are applied from left to right.',
  },
  'SYNC-4030': {
    title: 'A required field has no value',
    retry: 'manual',
    hint: 'Fill the field at the source, or give it a `default` in the mapping.',
  },
  'SYNC-4031': {
    title: 'A required text is empty',
    retry: 'manual',
    hint: 'Fill the text at the source. Empty is not null: the transform `emptyToNull` makes it null.',
  },
  'SYNC-4032': {
    title: 'A value has another type than the schema says',
    retry: 'manual',
    hint: 'Add a transform (number, boolean, string) to the mapping, or correct the schema.',
  },
  'SYNC-4033': {
    title: 'A value is not among the allowed ones',
    retry: 'manual',
    hint: 'Mend the value at the source, add it to a value map, or allow it in the schema.',
  },
  'SYNC-4034': {
    title: 'A text does not have the required form',
    retry: 'manual',
    hint: 'Mend the text at the source, or correct `format` or `pattern` in the schema.',
  },
  'SYNC-4035': {
    title: 'A number or a date is out of range',
    retry: 'manual',
    hint: 'Mend the value at the source, or correct the bounds in the schema.',
  },
  'SYNC-4036': {
    title: 'A text has a length that the schema does not allow',
    retry: 'manual',
    hint: 'Mend the text at the source, or allow it to be cut with the transform `truncate`.',
  },
  'SYNC-4037': {
    title: 'A record breaks a rule of the schema',
    retry: 'manual',
    hint: 'Mend the record at the source, or correct the schema.',
  },
  'SYNC-4040': {
    title: 'A field that a rule requires has no value',
    retry: 'manual',
    hint: 'Fill the field at the source, or correct the rule.',
  },
  'SYNC-4041': {
    title: 'A record breaks a rule',
    retry: 'manual',
    hint: 'Mend the record at the source, or correct the rule that is named.',
  },
  'SYNC-4042': {
    title: 'A rule could not be evaluated for a record',
    retry: 'manual',
    hint: 'Mend the value at the source, or make the rule bear it: string(…), number(…), has(…).',
  },
  'SYNC-4043': {
    title: 'The function of a rule failed for a record',
    retry: 'manual',
    hint: 'Mend the function, or the record, then `syncline quarantine release <sync> --code SYNC-4043`.',
  },
  'SYNC-4044': {
    title: 'A value does not occur in its reference data',
    retry: 'manual',
    hint: 'Correct the value at the source, or add it to the reference data and release the record.',
  },
  'SYNC-4045': {
    title: 'Reference data could not be asked for a value',
    retry: 'timed',
    hint: 'The record is released by itself when the reference data can be asked again.',
  },
  'SYNC-4046': {
    title: 'The quality of a record is below the threshold',
    retry: 'manual',
    hint: 'Mend what the reasons name at the source, or approve the record in review.',
  },
  'SYNC-4060': {
    title: 'A record may be the same as another one',
    retry: 'manual',
    hint: 'Decide with `syncline review approve` (the same) or `syncline review reject` (never the same).',
  },
  'SYNC-4061': {
    title: 'A record is the same as another one, but it is not clear how they belong together',
    retry: 'manual',
    hint: 'Name the record that stays with `syncline review approve --survivor <key>`, or keep them apart with `syncline review reject`.',
  },
  'SYNC-4062': {
    title: 'Two records that are the same are both at the target already',
    retry: 'manual',
    hint: '`syncline review approve` says that they are one; the target keeps both records until they are merged there, by hand or, because you ask for it, by `syncline duplicates merge`. Or keep them apart with `syncline review reject`.',
  },
  'SYNC-4063': {
    title: 'More records than `clusterMax` would become one',
    retry: 'manual',
    hint: 'Look whether a common value (a shared phone or address) makes them alike; approve, reject, or raise `clusterMax`.',
  },
  'SYNC-4064': {
    title: 'A deleted record leads merged records',
    retry: 'manual',
    hint: 'Approve to delete it and judge the merged records afresh; reject to leave it at the target.',
  },
  'SYNC-4065': {
    title: 'The function that merges duplicates failed for a record',
    retry: 'manual',
    hint: 'Mend the function, or the records, start again, then `syncline quarantine release <sync> --code SYNC-4065`. `syncline duplicates list <sync>` shows what is merged into it.',
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
    hint: 'Restore journal and state from the same backup, the state first. Without one, begin with another `state:` folder: everything is read again.',
  },
  'SYNC-5006': {
    title: 'The state folder cannot be used',
    retry: 'manual',
    hint: 'It must belong to the user that runs Syncline (mode 0700, a local disk). A damaged file: restore the backup, or begin with another `state:` folder and a full read.',
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
  'SYNC-6009': {
    title: 'What identifies the records of a sync was changed',
    retry: 'manual',
    hint: 'Put the key (and table, system, object) back, or give the sync another name or the engine a new `state:` folder: its links belong to the old key.',
  },
  'SYNC-6010': {
    title: 'The target took nothing for too long',
    retry: 'manual',
    hint: 'Nothing is lost: what is pending is sent when the target is back. Look at its status, then run again.',
  },
  'SYNC-6011': {
    title: 'The engine was stopped before a request was sent',
    retry: 'timed',
    hint: 'Nothing to do: the next start sends it.',
  },
  'SYNC-6012': {
    title: 'The journal no longer keeps what a sync has not read',
    retry: 'manual',
    hint: 'Read its table again: `syncline sync <sync> --full`. What was deleted meanwhile is found too. Until then nothing is sent; `resume` would skip changes and is refused.',
  },
  'SYNC-6013': {
    title: 'A quality report cannot be written',
    retry: 'timed',
    hint: 'The engine goes on, and tries again within the hour. Look at `quality.report.folder`: it must exist or be creatable, and have room.',
  },
  // 7xxx: command line and set-up
  'SYNC-7002': {
    title: 'There is no such sync',
    retry: 'manual',
    hint: 'Use a name that stands under `syncs:` in the configuration.',
  },
  'SYNC-7003': {
    title: 'There is no such table',
    retry: 'manual',
    hint: 'Mend the name in the configuration, with its schema: public.members.',
  },
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
  'SYNC-7113': {
    title: 'Tests of rules cannot be run',
    retry: 'manual',
    hint: 'Write tests/<name>.yaml beside the configuration: a sync, rows, and what is expected of them; docs/validation.md has an example.',
  },
  'SYNC-7199': {
    title: 'A fault of Syncline itself',
    retry: 'manual',
    hint: 'Nothing that was accepted is lost. Repeat the command with --debug and report what it prints.',
  },
  // 8xxx: API
  'SYNC-8001': { title: 'There is no such resource', retry: 'never', hint: 'GET /api/v1/openapi.json lists them all.' },
  'SYNC-8002': {
    title: 'The method is not allowed here',
    retry: 'never',
    hint: 'The header Allow names those that are.',
  },
  'SYNC-8003': {
    title: 'The request is not right',
    retry: 'never',
    hint: 'GET /api/v1/openapi.json says what is expected.',
  },
  'SYNC-8004': {
    title: 'The content type is not JSON',
    retry: 'never',
    hint: 'Send `Content-Type: application/json`, also with an empty body: {}.',
  },
  'SYNC-8005': { title: 'The body is too large', retry: 'never', hint: 'At most 1 MB.' },
  'SYNC-8006': {
    title: 'The request comes from another site',
    retry: 'never',
    hint: 'Pages of other sites may not change anything here.',
  },
  'SYNC-8007': {
    title: 'The host name is not ours',
    retry: 'never',
    hint: 'Use the address that `syncline run` prints: 127.0.0.1, [::1] or localhost, with the port.',
  },
  'SYNC-8008': { title: 'There is no such flow', retry: 'never', hint: 'GET /api/v1/status lists the flows.' },
  'SYNC-8009': {
    title: 'A fault of Syncline itself',
    retry: 'manual',
    hint: 'The log of the engine has the details under the number of this request.',
  },
  'SYNC-8010': { title: 'There is no such run', retry: 'never', hint: 'Only the newest runs are remembered.' },
  'SYNC-8011': { title: 'The request took too long', retry: 'timed', hint: 'Send it again.' },
} as const satisfies { readonly [code: `SYNC-${number}`]: FailureKind }
