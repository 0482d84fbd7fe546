/** Column types by their numbers in the log: MySQL `field_types.h`, and MariaDB's two of its own. */
export const types = {
  decimal: 0,
  tiny: 1,
  short: 2,
  long: 3,
  float: 4,
  double: 5,
  null: 6,
  timestamp: 7,
  longlong: 8,
  int24: 9,
  date: 10,
  time: 11,
  datetime: 12,
  year: 13,
  newdate: 14,
  varchar: 15,
  bit: 16,
  timestamp2: 17,
  datetime2: 18,
  time2: 19,
  /** MariaDB: BLOB and TEXT with COMPRESSED. */
  blobCompressed: 140,
  /** MariaDB: VARCHAR and VARBINARY with COMPRESSED. */
  varcharCompressed: 141,
  /** MySQL 9. */
  vector: 242,
  json: 245,
  newdecimal: 246,
  enum: 247,
  set: 248,
  tinyBlob: 249,
  mediumBlob: 250,
  longBlob: 251,
  blob: 252,
  varString: 253,
  string: 254,
  geometry: 255,
} as const

/** Type names for messages, by number. */
export function typeName(type: number): string {
  const found = Object.entries(types).find(([, number]) => number === type)
  return found === undefined ? `type ${type}` : found[0]
}

/** Types whose sign the metadata tells. */
export function isNumeric(type: number): boolean {
  switch (type) {
    case types.tiny:
    case types.short:
    case types.int24:
    case types.long:
    case types.longlong:
    case types.float:
    case types.double:
    case types.newdecimal:
      return true
    default:
      return false
  }
}

/** Types whose collation the metadata tells; ENUM and SET have a list of their own. */
export function isCharacter(type: number): boolean {
  switch (type) {
    case types.string:
    case types.varString:
    case types.varchar:
    case types.blob:
    case types.blobCompressed:
    case types.varcharCompressed:
      return true
    default:
      return false
  }
}
