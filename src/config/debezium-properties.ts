/**
 * What becomes of each property of Debezium's MySQL and MariaDB connectors, of 1.x and of today
 * (https://debezium.io/documentation/reference/stable/connectors/mysql.html#mysql-connector-properties and the pages of 1.9).
 *
 * - `read`: it means the same here, under its name of today
 * - `needless`: nothing here needs it, and leaving it out changes nothing
 * - `other`: it asks for something that is done in another way here, or not at all; it is said by name
 */
export type Meaning =
  | { readonly kind: 'read'; readonly as: string }
  | { readonly kind: 'needless' }
  | { readonly kind: 'other'; readonly why: string; readonly unless?: readonly string[] }

const read = (as: string): Meaning => ({ kind: 'read', as })
const needless: Meaning = { kind: 'needless' }
/** `unless`: values that ask for what is done anyway. */
const other = (why: string, ...unless: string[]): Meaning => ({ kind: 'other', why, unless })

const form = 'the envelope of `stream tail --format debezium` has one form, described in docs/debezium.md'
const snapshotWay = 'tables are read in chunks without a lock, beside the stream'
const onlyNeeded = 'only the columns that a sync reads are captured, and fields are chosen by the mapping'

const exact: { readonly [name: string]: Meaning } = {
  name: read('name'),
  'connector.class': read('connector.class'),
  'database.hostname': read('database.hostname'),
  'database.port': read('database.port'),
  'database.user': read('database.user'),
  'database.password': read('database.password'),
  'database.server.id': read('database.server.id'),
  'database.server.name': read('topic.prefix'),
  'topic.prefix': read('topic.prefix'),
  'topic.delimiter': read('topic.delimiter'),
  'database.whitelist': read('database.include.list'),
  'database.include.list': read('database.include.list'),
  'database.blacklist': read('database.exclude.list'),
  'database.exclude.list': read('database.exclude.list'),
  'table.whitelist': read('table.include.list'),
  'table.include.list': read('table.include.list'),
  'table.blacklist': read('table.exclude.list'),
  'table.exclude.list': read('table.exclude.list'),
  'database.ssl.mode': read('database.ssl.mode'),
  'connect.timeout.ms': read('connect.timeout.ms'),
  'heartbeat.interval.ms': read('heartbeat.interval.ms'),
  transforms: read('transforms'),
  'tasks.max': needless,
  'config.action.reload': needless,
  'database.allowPublicKeyRetrieval': needless,
  'database.protocol': needless,
  'database.jdbc.driver': needless,
  'database.connectionTimeZone': needless,
  'database.serverTimezone': needless,
  'connect.keep.alive': needless,
  'connect.keep.alive.interval.ms': needless,
  'enable.time.adjuster': needless,
  'max.batch.size': needless,
  'max.queue.size': needless,
  'max.queue.size.in.bytes': needless,
  'poll.interval.ms': needless,
  'binlog.buffer.size': needless,
  'binlog.net.write.timeout': needless,
  'gtid.new.channel.position': needless,
  'gtid.source.filter.dml.events': needless,
  'min.row.count.to.stream.results': needless,
  'snapshot.fetch.size': needless,
  'snapshot.max.threads': needless,
  'snapshot.lock.timeout.ms': needless,
  'snapshot.locking.mode': needless,
  'snapshot.query.mode': needless,
  'snapshot.new.tables': needless,
  'read.only': needless,
  'include.query': needless,
  'include.schema.comments': needless,
  'table.ignore.builtin': needless,
  'use.nongraceful.disconnect': needless,
  'retriable.restart.connector.wait.ms': needless,
  'errors.max.retries': needless,
  'internal.implementation': needless,
  'schema.name.adjustment.mode': needless,
  'field.name.adjustment.mode': needless,
  'sanitize.field.names': needless,
  'snapshot.mode': other(
    'a table is read once when its sync starts for the first time; `syncline sync <name> --full` reads it again',
    'initial',
    'when_needed',
  ),
  'snapshot.include.collection.list': other(
    'every captured table is read once when its sync starts for the first time',
  ),
  'snapshot.delay.ms': other(snapshotWay, '0'),
  'snapshot.tables.order.by.row.count': other(snapshotWay, 'disabled'),
  'decimal.handling.mode': other(`decimals are written as exact text; ${form}`, 'string'),
  'bigint.unsigned.handling.mode': other(`integers are exact at any size; ${form}`, 'precise'),
  'time.precision.mode': other(form, 'adaptive_time_microseconds'),
  'binary.handling.mode': other(form, 'base64'),
  'event.deserialization.failure.handling.mode': other('what cannot be read stops its table and says so', 'fail'),
  'event.processing.failure.handling.mode': other('what cannot be read stops its table and says so', 'fail'),
  'inconsistent.schema.handling.mode': other('what cannot be read stops its table and says so', 'fail'),
  'tombstones.on.delete': other('a delete is one entry', 'false'),
  'include.schema.changes': other('schema changes are not published as a topic', 'false'),
  'provide.transaction.metadata': other('there is no topic of transactions', 'false'),
  'skipped.operations': other('every operation is captured', 'none', 't'),
  'topic.naming.strategy': other(
    'topics are called prefix.database.table',
    'io.debezium.schema.SchemaTopicNamingStrategy',
  ),
  'message.key.columns': other('the key is the primary key of the table'),
  'gtid.source.includes': other('the whole set of transactions is followed'),
  'gtid.source.excludes': other('the whole set of transactions is followed'),
  'heartbeat.action.query': other('nothing is written into the source'),
  predicates: other('topics are routed without conditions'),
}

/** By their beginning; the longest that fits counts. */
const beginnings: { readonly [prefix: string]: Meaning } = {
  'database.history.': needless,
  'schema.history.internal.': needless,
  'schema.history.': needless,
  'key.converter': needless,
  'value.converter': needless,
  'header.converter': needless,
  'topic.creation.': needless,
  'topic.heartbeat.': needless,
  'topic.cache.': needless,
  'heartbeat.topics.': needless,
  'incremental.snapshot.': needless,
  'errors.': needless,
  'producer.override.': needless,
  'offset.': needless,
  'database.ssl.': other('certificates are set under `tls:` of the system'),
  'column.': other(onlyNeeded),
  'datatype.': other(form),
  'snapshot.select.statement.overrides': other('`where:` of a sync chooses its rows'),
  'signal.': other('`syncline sync <name> --full` reads a table again'),
  'notification.': other('events are in `sync.status`, in the log, and in /metrics'),
  converters: other('`fields:` of a sync converts values'),
  'post.processors': other('joined rows are read with `join:` of a sync'),
  'custom.metric.tags': other('labels of metrics are fixed'),
  'predicates.': other('topics are routed without conditions'),
  'transforms.': read('transforms'),
}

/** What becomes of a property; null for one that is not known. */
export function meaningOf(name: string): Meaning | null {
  if (Object.hasOwn(exact, name)) return exact[name] as Meaning
  const fitting = Object.keys(beginnings).filter((prefix) => name.startsWith(prefix))
  const longest = fitting.sort((a, b) => b.length - a.length)[0]
  return longest === undefined ? null : (beginnings[longest] as Meaning)
}

/** Every name that is known as a whole, for suggestions. */
export const knownProperties: readonly string[] = Object.keys(exact)
