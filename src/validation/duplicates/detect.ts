import { words } from './fold.ts'
import type { ComparedKind } from './types.ts'

/** What stands before a field's own name and does not change what it is. */
const owners = new Set(
  'mailing primary home main contact person account customer member client billing shipping other personal private work legal'.split(
    ' ',
  ),
)

/** Names of fields without separators, as CRMs and tables have them; the first pattern that fits says the kind. */
const names: readonly (readonly [RegExp, ComparedKind])[] = [
  [/^(?:first|given|fore|christian)names?$|^vorname$|^prenom$|^nombre$|^fname$|^givenname$/, 'given-name'],
  [/^(?:last|family|sur)names?$|^nachname$|^familienname$|^nomdefamille$|^apellidos?$|^lname$/, 'family-name'],
  [/^fullname$|^displayname$|^personname$|^nameofperson$/, 'full-name'],
  [/^e?mail(?:address)?\d?$|^emailaddress\d?$|^email\d$|^workemail$|^correo$/, 'email'],
  [
    /^(?:tele)?phone(?:number|no)?\d?$|^mobile(?:phone)?(?:number)?$|^cell(?:phone)?$|^tel\d?$|^telefon(?:nummer)?$|^handy$|^telefono$|^landline$/,
    'phone',
  ],
  [
    /^birth(?:date|day)$|^dateofbirth$|^dob$|^birthdate$|^birth$|^geburtsdatum$|^datedenaissance$|^fechadenacimiento$/,
    'date-of-birth',
  ],
  [/^street(?:address)?\d?$|^address(?:line)?1?$|^addr\d?$|^strasse$|^adresse$|^rue$|^calle$|^direccion$/, 'street'],
  [/^city$|^town$|^suburb$|^locality$|^ort$|^stadt$|^ville$|^ciudad$/, 'city'],
  [/^(?:postal|post|zip)(?:code)?$|^zip$|^postcode$|^plz$|^codepostal$|^codigopostal$/, 'postcode'],
  [/^state(?:code|province)?$|^province$|^region$|^county$|^bundesland$/, 'region'],
  [/^country(?:code)?$|^land$|^pays$|^pais$/, 'country'],
  [
    /^company(?:name)?$|^organi[sz]ation(?:name)?$|^employer$|^firma$|^business(?:name)?$|^societe$|^empresa$/,
    'organisation',
  ],
  [/^website(?:url)?$|^domain$|^homepage$|^webpage$|^url$/, 'website'],
  [
    /^ssn$|^socsecid$|^socialsecurity(?:number|no)?$|^nationalid$|^tax(?:id|number)$|^vat(?:id|number|no)?$|^passport(?:number|no)?$|^duns(?:number)?$|^ein$|^iban$|^svnr$|^nif$|^medicare(?:number)?$|^nhsnumber$/,
    'identifier',
  ],
]

/**
 * What a field is, by its name alone: `MailingPostalCode` and `zip` are postcodes. `undefined` where the name says nothing; a bare
 * `name` is a person's unless the other fields say that the records are organisations.
 */
export function kindByName(field: string, organisations: boolean): ComparedKind | undefined {
  const last = field.split('.').at(-1) ?? field
  const spaced = last
    .slice(0, 200)
    .replace(/__(?:c|pc)$/i, '')
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .toLowerCase()
  const parts = words(spaced)
  const heart = parts.length > 1 && owners.has(parts[0]!) ? parts.slice(1) : parts
  for (const name of [parts.join(''), heart.join('')]) {
    if (name === 'name') return organisations ? 'organisation' : 'full-name'
    const found = names.find(([pattern]) => pattern.test(name))
    if (found !== undefined) return found[1]
  }
  return undefined
}
