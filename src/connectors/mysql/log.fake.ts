/** For tests: a log that is written by hand, and what the reader of transactions makes of it. */
import type { Change, SourceEvent } from '../../model/change.ts'
import { newRow, type Row, type Value } from '../../model/value.ts'
import type { BinlogEvent, EventHeader, Gtid, RowShape, TableMap } from './binlog/event.ts'
import { types } from './binlog/types.ts'
import type { Captured } from './capture.ts'
import type { CatalogTable } from './catalog.ts'
import { readFrom } from './identity.ts'
import { type LogPosition, readPosition } from './position.ts'
import { readTransactions, type Transactions, type TransactionsOptions } from './transactions.ts'

/** Members with a number, a name and a team. */
export function tableOf(
  name: string,
  engine = 'InnoDB',
  columns: readonly string[] = ['id', 'name', 'team'],
): CatalogTable {
  const column = (each: string) => ({
    name: each,
    dataType: each === 'id' ? 'int' : 'varchar',
    columnType: each === 'id' ? 'int' : 'varchar(100)',
    unsigned: false,
    nullable: each !== 'id',
    charset: each === 'id' ? null : 'utf8mb4',
    collation: null,
    members: null,
    fraction: null,
    length: null,
    json: false,
    generated: 'no' as const,
    visible: true,
  })
  const [schema = '', table = ''] = name.split('.')
  return {
    schema,
    name: table,
    full: name,
    columns: columns.map(column),
    key: ['id'],
    engine,
    rowsEstimated: null,
    partitioned: false,
  }
}

/** A TABLE_MAP with names. */
export function mapOf(name: string, columns: readonly string[] = ['id', 'name', 'team'], key = [0]): TableMap {
  const [schema = '', table = ''] = name.split('.')
  return {
    id: 1n,
    schema,
    table,
    key,
    columns: columns.map((each) => ({
      name: each,
      type: each === 'id' ? types.long : types.varchar,
      meta: 0,
      nullable: true,
      unsigned: false,
    })),
  } as unknown as TableMap
}

/** The shape as the map says it. */
export function shapeOfMap(map: TableMap): RowShape {
  const columns = map.columns.map((column) => ({
    ...column,
    name: column.name as string,
    wanted: true,
    charset: column.type === types.varchar ? 'utf8mb4' : null,
  }))
  return { columns } as unknown as RowShape // what decodes cells is not needed: rows come decoded
}

/** A row without a prototype. */
export function rowOf(values: { readonly [column: string]: Value }): Row {
  return Object.assign(newRow(), values)
}

type Images = { readonly before?: { [column: string]: Value }; readonly after?: { [column: string]: Value } }

/** Writes events one after the other, each of 100 bytes. */
export interface Writer {
  readonly push: (event: BinlogEvent) => void
  header(more?: Partial<EventHeader>): EventHeader
  gtid(gtid: Gtid, more?: { standalone?: boolean; xa?: 'none' | 'prepared' | 'completed' }): void
  anonymous(): void
  query(sql: string, schema?: string): void
  rows(op: 'insert' | 'update' | 'delete', table: TableMap, ...rows: Images[]): void
  commit(): void
  prepare(xid: string, onePhase?: boolean): void
}

/** A writer into a reader. `at_s` is the time of all its events. */
export function writerInto(transactions: Transactions, from: bigint, at_s = 1_000): Writer {
  let next = Number(from)
  const header = (more: Partial<EventHeader> = {}): EventHeader => {
    next += 100
    return { type: 0, at_s, serverId: 1, next, artificial: false, bytes: 100, ...more }
  }
  const { push } = transactions
  return {
    push,
    header,
    gtid: (gtid, more = {}) =>
      push({
        kind: 'gtid',
        header: header(),
        gtid,
        standalone: more.standalone ?? false,
        ddl: false,
        xa: more.xa ?? 'none',
      }),
    anonymous: () => push({ kind: 'anonymous', header: header() }),
    query: (sql, schema = 'shop') =>
      push({ kind: 'query', header: header(), schema, sql, error: 0, strict: true, databases: null }),
    rows(op, table, ...rows) {
      const images = rows.map(({ before, after }) => ({
        before: before === undefined ? null : rowOf(before),
        after: after === undefined ? null : rowOf(after),
      }))
      push({ kind: 'rows', header: header(), op, table, bytes: 100, last: true, images: () => images })
    },
    commit: () => push({ kind: 'commit', header: header() }),
    prepare: (xid, onePhase = false) => push({ kind: 'prepare', header: header(), xid, onePhase }),
  }
}

/** A GTID of MariaDB's domain 0. */
export const mariadb = (number: number, domain = 0, server = 1): Gtid => ({
  flavour: 'mariadb',
  domain,
  server,
  number: BigInt(number),
})

const sid = '3e11fa47-71ca-11e1-9e33-c80aa9429562'
/** A GTID of MySQL. */
export const mysql = (number: number): Gtid => ({ flavour: 'mysql', sid, tag: '', number: BigInt(number) })

/** A reader over `shop.members` and `shop.log` (MyISAM), what it told, and what the watcher heard. */
export function reader(more: Partial<TransactionsOptions> & { readonly start?: Partial<LogPosition> } = {}) {
  const events: SourceEvent[] = []
  const heard: string[] = []
  const start: LogPosition = {
    flavour: 'mariadb',
    server: 's',
    gtids: '0-1-1',
    file: 'binlog.000001',
    offset: 4n,
    last: null,
    held: {},
    shapes: null,
    edges: [],
    reader: '',
    row: null,
    ...more.start,
  }
  const tables = new Map<string, Captured>(
    [tableOf('shop.members'), tableOf('shop.log', 'MyISAM')].map((table) => [
      table.full,
      { table, needed: () => true },
    ]),
  )
  const transactions = readTransactions({
    tables,
    names: {
      captured: new Set(tables.keys()),
      foldsCase: false,
      named: true,
      hasGtids: true,
      needed: (table, name) => tables.get(table)?.table.columns.find((column) => column.name === name) ?? null,
      openedAt: { file: start.file, offset: start.offset },
      listsDatabases: start.flavour === 'mysql',
      aside: new Set(),
    },
    shape: shapeOfMap,
    from: start,
    proof: null,
    proofIsFirst: false,
    gtids: start.gtids === null ? null : readFrom(start.flavour, start.gtids),
    adopt: () => null,
    shapes: () => null,
    tie: (change) => change,
    openedAt: { file: start.file, offset: start.offset },
    pieceRows: 100,
    pieceBytes: 1_000_000,
    emit: (event) => events.push(event),
    watch: {
      rows: () => {},
      row: (change, complete) => heard.push(`row ${change.op} ${change.key} ${complete}`),
      truncated: (table) => heard.push(`truncated ${table}`),
      unseen: () => heard.push('unseen'),
      committed: (_, isOurs) => heard.push(`committed ${isOurs}`),
      reached: ({ file, offset }) => heard.push(`reached ${file}:${offset}`),
    },
    ...more,
  })
  return {
    transactions,
    events,
    heard,
    write: writerInto(transactions, start.offset),
    position: (): LogPosition => readPosition(transactions.position()),
    /** One line an event. */
    told: (): string[] => events.map(line),
  }
}

function line(event: SourceEvent): string {
  switch (event.kind) {
    case 'rows':
      return `${event.tx}: ${event.changes.map(changeText).join(', ')}`
    case 'table':
      return `${event.table} ${event.state} ${event.failure.code}`
    case 'progress':
    case 'snapshot':
      return event.kind
    default:
      return `${event.kind} ${event.tx}`
  }
}

const changeText = ({ op, key, oldKey }: Change) => `${op} ${oldKey ?? ''}${key}`
