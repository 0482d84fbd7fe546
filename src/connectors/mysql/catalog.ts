/** Tables as information_schema describes them. */

/** A column of a captured table. */
export interface CatalogColumn {
  readonly name: string
  /** `DATA_TYPE`: `bigint`, `varchar`, `uuid`. */
  readonly dataType: string
  /** `COLUMN_TYPE`: `bigint(20) unsigned`, `enum('a','b')`. */
  readonly columnType: string
  readonly unsigned: boolean
  readonly nullable: boolean
  /** Character set (`latin1`); null for columns without one. */
  readonly charset: string | null
  /** Collation name; null for columns without one. */
  readonly collation: string | null
  /** Labels of ENUM and SET, in order. */
  readonly members: readonly string[] | null
  /** Digits after the second; null for other types. */
  readonly fraction: number | null
  /** Bytes of BINARY(n), bits of BIT(n); null for other types. */
  readonly length: number | null
  /** `JSON`, or MariaDB's LONGTEXT whose check constraint is `json_valid`. */
  readonly json: boolean
  /** VIRTUAL columns are not in the log; STORED (PERSISTENT) ones are. */
  readonly generated: 'no' | 'stored' | 'virtual'
  readonly visible: boolean
}

/** A captured table. `columns` are in the table's order, as in the log. */
export interface CatalogTable {
  readonly schema: string
  readonly name: string
  /** `members_db.members`. */
  readonly full: string
  readonly columns: readonly CatalogColumn[]
  /** The primary key, or the only unique key without nullable columns; empty: none. */
  readonly key: readonly string[]
  readonly engine: string
  readonly rowsEstimated: number | null
  readonly partitioned: boolean
}
