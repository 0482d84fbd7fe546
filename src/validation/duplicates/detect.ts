import { words } from './fold.ts'
import type { ComparedKind } from './types.ts'

/**
 * Columns that say a part of something that is compared whole: a date of birth in three columns, the number of the house. A bare
 * `name` is what the other columns leave: the family name, the given name, the whole name, or an organisation's.
 */
export type PartRole =
  | 'name'
  | 'middle-name'
  | 'generation'
  | 'house-number'
  | 'birth-year'
  | 'birth-month'
  | 'birth-day'
  | 'year'
  | 'month'
  | 'day'

/** What a column is, by its name. */
export interface Column {
  readonly role: ComparedKind | PartRole
  /** 2 of `first_name_2`; 1 where the name says no number. */
  readonly ordinal: number
}

const set = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

/** What stands before a field's own name and does not change what it is. */
const owners = set(
  `mailing primary main home contact person personal private account customer client member billing shipping other work business
  legal patient voter lead applicant donor student user subscriber resident residential res current registered office mail postal
  physical usual address address1 alternate alternative secondary additional bus po full hs kunde mitglied privat`,
)

/** Whose name is that of a person, also in a table of organisations. */
const people = set('contact person patient voter applicant donor student user resident')

/** What stands behind it, likewise. */
const qualifiers = set('raw clean cleaned std norm normalized normalised orig original fake anon value text txt desc')

/** Columns by their names without separators, as CRMs, tables and public registers have them; the first pattern that fits says the role. */
const names: readonly (readonly [RegExp, Column['role']])[] = [
  [
    /^(?:first|given|fore|christian)(?:names?|nm)$|^first$|^given$|^namefirst$|^f(?:irst)?name$|^fnam$|^frstname$|^pername1$|^vorname$|^rufname$|^prenoms?$|^nombres$|^primeironome$|^voornaam$|^fornavn$|^fornamn$|^imie$|^jmeno$|^etunimi$/,
    'given-name',
  ],
  [
    /^(?:last|family|sur)(?:names?|nm)$|^last$|^namelast$|^lname$|^lnam$|^lstname$|^pername2$|^nachname$|^familienname$|^zuname$|^nomdefamille$|^apellidos?$|^(?:primer|segundo)apellido$|^apellido(?:paterno|materno)$|^sobrenome$|^cognome$|^achternaam$|^etternavn$|^efternamn$|^efternavn$|^nazwisko$|^prijmeni$|^sukunimi$/,
    'family-name',
  ],
  [/^name1?$|^nom$|^nome$|^nombre$|^naam$|^navn$|^namn$/, 'name'],
  [/^mid(?:dle|l)?(?:names?|initial|nm)?$|^mname$|^mi$|^zweitervorname$|^secondname$/, 'middle-name'],
  [/^(?:name)?su?ff?i?x(?:cd|code)?$|^generation$/, 'generation'],
  [
    /^(?:full|display|person|complete|whole)name$|^nameofperson$|^namefull$|^nomecompleto$|^nombrecompleto$/,
    'full-name',
  ],
  [/^email(?:address|addr|id)?$|^mail(?:address)?$|^correo(?:electronico)?$|^courriel$/, 'email'],
  [
    /^(?:tele)?phone(?:num(?:ber)?|no|nr)?$|^fullphonenum(?:ber)?$|^mobile?(?:tele)?(?:phone)?(?:num(?:ber)?|no|nr)?$|^cell(?:ular)?(?:phone)?(?:num(?:ber)?|no)?$|^(?:day|night|evening|daytime)phone$|^tel(?:nr|no|number)?$|^telefon(?:nummer|nr)?$|^handy(?:nummer)?$|^telefono$|^telefone$|^celular$|^cellulare$|^movil$|^mobiel$|^telefoon(?:nummer)?$|^landline$|^contactn(?:o|um|umber)$|^portable$/,
    'phone',
  ],
  [
    /^birth(?:date|day|dt)?$|^dateofbirth$|^dob$|^bdate$|^bday$|^bd(?:ay|t)$|^born(?:on)?$|^geburts(?:datum|tag)$|^gebdat(?:um)?$|^geboortedatum$|^(?:date)?de?naissance$|^datenaissance$|^(?:fecha)?(?:de)?nacimiento$|^fechanac$|^data(?:di)?nascita$|^data(?:de)?nascimento$|^dataurodzenia$|^fodselsdato$|^fodelsedatum$/,
    'date-of-birth',
  ],
  [
    /^birthy(?:ea)?r$|^y(?:ea)?rofbirth$|^yob$|^by(?:ea)?r?$|^doby(?:ea)?r$|^(?:geburts|geb)jahr$|^yearborn$/,
    'birth-year',
  ],
  [/^birthm(?:on)?(?:th)?$|^monthofbirth$|^mob$|^bm(?:on(?:th)?)?$|^dobm(?:on)?(?:th)?$|^geburtsmonat$/, 'birth-month'],
  [/^birthd(?:ay)?ofmonth$|^dayofbirth$|^bd$|^dobd(?:ay)?$/, 'birth-day'],
  [/^y(?:ea)?r$/, 'year'],
  [/^mon(?:th)?$/, 'month'],
  [/^day$/, 'day'],
  [
    /^(?:street|house|home|building|hse|bldg|str)(?:num(?:ber)?|no|nr|nbr)$|^haus(?:nummer|nr)$|^huisnummer$|^nrdomu$|^civico$|^numerocivico$/,
    'house-number',
  ],
  [
    /^street(?:address|addr|name|nm|line)?$|^address(?:line|street)?$|^addr(?:line|ess)?$|^line$|^strnam(?:e)?$|^enumcap$|^strasse$|^anschrift$|^adresse$|^rue$|^calle$|^direccion$|^via$|^indirizzo$|^endereco$|^logradouro$|^straat(?:naam)?$|^adres$|^ulica$|^gata$/,
    'street',
  ],
  [
    /^city(?:name|town)?$|^town(?:name)?$|^suburb$|^locality$|^municipality$|^ort$|^wohnort$|^stadt$|^ville$|^commune$|^ciudad$|^municipio$|^cidade$|^citta$|^comune$|^plaats$|^woonplaats$|^miasto$|^(?:birth|geburts)(?:place|ort|city|town)$|^(?:place|town|city)ofbirth$|^lieudenaissance$|^lugardenacimiento$|^luogodinascita$/,
    'city',
  ],
  [
    /^(?:postal|post|zip)(?:code|cd)5?$|^zip5?$|^post(?:al)?$|^p(?:ost)?code$|^pcd$|^enumpc$|^plz$|^cap$|^postleitzahl$|^codepostal$|^codigopostal$|^cep$|^pin(?:code)?$|^kodpocztowy$|^postnummer$|^psc$/,
    'postcode',
  ],
  [
    /^state(?:code|cd|province|orprovince|abbr|name)?$|^province(?:code)?$|^region$|^county(?:name)?$|^bundesland$|^kanton$|^canton$|^provincia$|^estado$|^uf$/,
    'region',
  ],
  [/^country(?:region)?(?:code|cd|name)?$|^land$|^pays$|^pais$|^nation$/, 'country'],
  [
    /^company(?:legal|trade)?(?:name)?$|^organi[sz]ation(?:name)?$|^employer(?:name)?$|^firm(?:a|name|enname)?$|^business(?:name)?$|^(?:trade|trading|legal|account|site|corporate)name$|^societe$|^raisonsociale$|^empresa$|^razonsocial$|^ragionesociale$|^entreprise$|^org(?:name)?$/,
    'organisation',
  ],
  [/^website(?:url|domain)?$|^domain(?:name)?$|^homepage$|^webpage$|^url$|^web(?:site|address)?$/, 'website'],
  [
    /^ssn$|^governmentid$|^socsecid$|^socialsecurity(?:number|no|num)?$|^national(?:id(?:entifier|number)?|insurance(?:number|no)?)$|^nino$|^tax(?:id|number|no|payerid)$|^tin$|^itin$|^vat(?:id|number|no|reg(?:no|number))?$|^passport(?:number|no|num)?$|^duns(?:number|no)?$|^ein$|^iban$|^svnr$|^nif$|^nie$|^dni$|^cpf$|^cnpj$|^curp$|^rfc$|^pesel$|^cf$|^codicefiscale$|^partitaiva$|^medicare(?:number|no|id)?$|^nhs(?:number|no)$|^npi$|^lei$|^abn$|^acn$|^sire[nt]$|^(?:aadhaar|aadhar)(?:number|no)?$|^(?:drivers?|driving)licen[sc]e(?:number|no|num)?$|^drlicnum$|^companyregistration(?:number|no)$/,
    'identifier',
  ],
]

/**
 * What a column is, by its name alone: `MailingPostalCode` and `zip` are postcodes. `undefined` where the name says nothing.
 * `organisations`: whether the other columns say that the records are no people. `prefixes`: what stands before the names of this
 * table's columns (`prefixesOf`).
 */
export function columnByName(
  field: string,
  organisations: boolean,
  prefixes: ReadonlySet<string> = new Set(),
): Column | undefined {
  const parts = partsOf(field)
  while (parts.length > 1 && qualifiers.has(parts.at(-1)!)) parts.pop()
  let from = 0
  for (;;) {
    const found = plainColumn(parts.slice(from))
    if (found?.role === 'name' && from > 0 && people.has(parts[from - 1]!))
      return organisations ? undefined : { role: 'full-name', ordinal: 1 }
    if (found !== undefined) return found
    const before = parts[from]
    if (
      from + 1 >= parts.length ||
      before === undefined ||
      !(owners.has(before) || (from === 0 && prefixes.has(before)))
    )
      return undefined
    from++
  }
}

function plainColumn(parts: readonly string[]): Column | undefined {
  const name = parts.join('')
  const asItIs = names.find(([pattern]) => pattern.test(name))
  if (asItIs !== undefined) return { role: asItIs[1], ordinal: 1 }
  const numbered = /^(.+?)c?([1-4])$/.exec(name)
  const found = numbered === null ? undefined : names.find(([pattern]) => pattern.test(numbered[1]!))
  return found === undefined ? undefined : { role: found[1], ordinal: Number(numbered![2]) }
}

/** The words of a column's name: `ns__Birth_Date__c` and `BirthDate` are birth, date. */
function partsOf(field: string): string[] {
  const last = field.split('.').at(-1) ?? field
  const spaced = last
    .slice(0, 200)
    .replace(/__(?:c|pc)$/i, '')
    .replace(/^[A-Za-z\d]+?__(?=.)/, '')
    .replace(
      /([a-z\d])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])/g,
      (_, before = '', next = '', last = '') => `${before} ${next}${last}`,
    )
    .toLowerCase()
  return words(spaced)
}

/** First words that most columns of a table share (`mbr_first`, `mbr_last`, `mbr_dob`): they name the table, not the column. */
export function prefixesOf(fields: readonly string[]): ReadonlySet<string> {
  const counts = new Map<string, number>()
  for (const field of fields) {
    const [first, second] = partsOf(field)
    if (first !== undefined && second !== undefined) counts.set(first, (counts.get(first) ?? 0) + 1)
  }
  return new Set([...counts].flatMap(([first, count]) => (count >= 3 && count * 2 >= fields.length ? [first] : [])))
}
