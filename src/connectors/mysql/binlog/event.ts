/**
 * What the binary log of MySQL and MariaDB says, decoded. The decoder (`decoder.ts`) makes these out of network packets; `transactions.ts`
 * makes changes out of them. Sources: dev.mysql.com "Replication Protocol" and "Binlog Event", mariadb.com/kb "Replication Protocol".
 */
import type { Row } from '../../../model/value.ts'
import type { Cell } from './cells.ts'

/** The 19-byte header that every event carries. */
export interface EventHeader {
  /** The type's number on the wire. */
  readonly type: number
  /** Seconds since 1970; 0 for events that the server made up for this connection. */
  readonly at_s: number
  readonly serverId: number
  /** Where the next event begins in this file; 0 inside compressed transactions, and on MariaDB 11.4+ inside any. Never to be used inside a transaction. */
  readonly next: number
  /** Made up by the server for this connection (flag 0x20); it is not in the log. */
  readonly artificial: boolean
  /** Its size in the log. */
  readonly bytes?: number
}

/** A global transaction id: of MySQL (`tag` is empty before 8.3), or of MariaDB. */
export type Gtid =
  | { readonly flavour: 'mysql'; readonly sid: string; readonly tag: string; readonly number: bigint }
  | { readonly flavour: 'mariadb'; readonly domain: number; readonly server: number; readonly number: bigint }

/** A column as TABLE_MAP describes it. Without FULL metadata the optional parts are absent. */
export interface MapColumn {
  /** The real type's number (ENUM and SET are told apart from STRING). */
  readonly type: number
  /** Bytes of STRING, VARCHAR, ENUM and SET; `precision << 8 | scale`; `bytes << 8 | bits` of BIT; digits of a second; bytes of a length. */
  readonly meta: number
  readonly nullable: boolean
  readonly unsigned?: boolean
  /** Collation id, also of ENUM and SET. */
  readonly collation?: number
  readonly name?: string
  /** Labels of ENUM and SET. */
  readonly members?: readonly string[]
  readonly visible?: boolean
}

/**
 * Whose way of printing values the log's are given in, so that a SELECT of the same server gives the same. MySQL prints a FLOAT or DOUBLE
 * of -0 as `-0`, MariaDB as `0`; MySQL 8.0 prints a double in JSON as `1.0`, 5.7 as `1`.
 */
export type Prints = 'mysql-5.7' | 'mysql-8.0' | 'mariadb'

/** A TABLE_MAP event. One object a table id and connection: it may be used as the key of a cache. */
export interface TableMap {
  readonly id: bigint
  readonly schema: string
  readonly table: string
  readonly columns: readonly MapColumn[]
  /** Zero-based places of the primary key's columns, in key order, where the metadata names them. */
  readonly key?: readonly number[]
  /** Absent: as MySQL 8.0. */
  readonly prints?: Prints
  /** Why nobody can read this table's rows: a column type that is not known, with a length that is not known. */
  readonly unreadable?: string
}

/** Before and after image of a row. Columns that the image lacks (MINIMAL, NOBLOB) have no entry (I6). */
export interface RowImages {
  readonly before: Row | null
  readonly after: Row | null
}

/** One event of the log. `rows` decodes when it is asked to, so that tables which nobody syncs cost nothing. */
export type BinlogEvent =
  | { readonly kind: 'format'; readonly header: EventHeader; readonly server: string; readonly checksum: boolean }
  /** The log goes on in this file at this offset. */
  | { readonly kind: 'rotate'; readonly header: EventHeader; readonly file: string; readonly offset: bigint }
  /**
   * A transaction begins. `standalone`: MariaDB, no commit marker will come. `ddl`: MariaDB says so. `xa`: MariaDB, the group is an XA
   * PREPARE, or the later COMMIT or ROLLBACK of one.
   */
  | {
      readonly kind: 'gtid'
      readonly header: EventHeader
      readonly gtid: Gtid
      readonly standalone: boolean
      readonly ddl: boolean
      readonly xa: 'none' | 'prepared' | 'completed'
    }
  /** A transaction begins on a server without GTIDs. */
  | { readonly kind: 'anonymous'; readonly header: EventHeader }
  /** All that was logged before this file, as the server writes it: MySQL's set, or MariaDB's list (`0-1-100,1-3-5`). */
  | { readonly kind: 'executed'; readonly header: EventHeader; readonly gtids: string }
  /** A statement: BEGIN, COMMIT, ROLLBACK, SAVEPOINT, XA …, DDL, or DML that was logged as a statement. */
  | {
      readonly kind: 'query'
      readonly header: EventHeader
      readonly schema: string
      readonly sql: string
      readonly error: number
      /** The session's sql_mode was strict: values that a column cannot hold were an error, not cut. */
      readonly strict: boolean
      /** MySQL: the databases that the statement used, also by views, triggers and functions. Null: nobody says. */
      readonly databases: readonly string[] | null
    }
  /** XID: the transaction is committed. */
  | { readonly kind: 'commit'; readonly header: EventHeader }
  /** XA PREPARE (or a one-phase XA COMMIT) ends the group; `xid` is in the form of `XA COMMIT`'s argument, X'…',X'…',n. */
  | { readonly kind: 'prepare'; readonly header: EventHeader; readonly xid: string; readonly onePhase: boolean }
  | { readonly kind: 'table'; readonly header: EventHeader; readonly table: TableMap }
  /** `table` is null where no TABLE_MAP came before: the reader then stops. `bytes`: size of the event. */
  | {
      readonly kind: 'rows'
      readonly header: EventHeader
      readonly op: 'insert' | 'update' | 'delete'
      readonly table: TableMap | null
      readonly bytes: number
      /** Flag STMT_END: the statement's last rows event. */
      readonly last: boolean
      /** Decodes row by row. Throws a `DecodeError` for a type, or an image, that cannot be read. */
      images(shape: RowShape): Iterable<RowImages>
    }
  /** PARTIAL_UPDATE_ROWS, MariaDB's PARTIAL_ROW_DATA: row changes that cannot be read as whole values. */
  | { readonly kind: 'partial'; readonly header: EventHeader; readonly table: TableMap | null; readonly name: string }
  /** Nothing happened; on MySQL it may move the position past skipped transactions. */
  | { readonly kind: 'heartbeat'; readonly header: EventHeader; readonly file: string; readonly offset: bigint }
  /** The server says that it lost events. */
  | { readonly kind: 'incident'; readonly header: EventHeader; readonly message: string }
  /** Known, and without meaning for us (annotations, checkpoints, random seeds, …). */
  | { readonly kind: 'nothing'; readonly header: EventHeader }
  /** An event that this decoder does not know. `ignorable`: the server marked it so (flag 0x80). */
  | { readonly kind: 'unknown'; readonly header: EventHeader; readonly ignorable: boolean }

/** How the cells of a table's rows become a `Row`: made by `shapeOf` out of a TABLE_MAP and, where it lacks names, the catalog. */
export interface RowShape {
  readonly columns: readonly ShapeColumn[]
}

/** One column of a shape; `wanted: false` is skipped without being decoded. */
export interface ShapeColumn extends MapColumn {
  readonly name: string
  readonly wanted: boolean
  /** MariaDB's JSON is a text with a check; both the log and a query then give `json`. */
  readonly json: boolean
  /** Null: bytes. */
  readonly charset: string | null
  /** MariaDB logs its own types as if they were BINARY(n) or VARBINARY(n): only the catalog knows what they are. */
  readonly special: 'uuid' | 'inet4' | 'inet6' | 'vector' | null
  readonly prints: Prints
  /** Reads its cells: built once, used for each row. */
  readonly cell: Cell
  /** Digits after the second of a temporal column whose type in the log does not say them. */
  readonly fraction: number
}

/** Something in the log that cannot be read. `table`: of one table only, so that the others go on. */
export class DecodeError extends Error {
  readonly table: string | null

  constructor(message: string, table: string | null) {
    super(message)
    this.name = 'DecodeError'
    this.table = table
  }
}
