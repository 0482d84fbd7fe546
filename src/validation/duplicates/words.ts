/** Words that say little of who somebody is. Compiled from general knowledge of forms of address, company law and post offices. */

const set = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))

/** Before names. */
export const titles = set(`
  mr mrs ms miss mx dr prof professor sir dame rev reverend hon herr frau mag dipl ing dkfm mme mlle monsieur madame
  senor senora srta sig sigra dott dottssa dhr mevr hr fr pan pani capt captain col lt sgt`)

/** After names. */
export const degrees = set('phd md mba msc bsc ba ma dds esq cpa llb llm bakk mba rn jd')

/** They tell a father from his son. */
export const generations: ReadonlyMap<string, string> = new Map([
  ['jr', 'jr'],
  ['junior', 'jr'],
  ['jun', 'jr'],
  ['sr', 'sr'],
  ['senior', 'sr'],
  ['sen', 'sr'],
  ['ii', 'jr'],
  ['iii', 'iii'],
  ['iv', 'iv'],
])

/** Within family names; written or left out as one likes. */
export const particles = set(`
  von van vom zu zum zur der den dem de del della dello di da das dos do du des la le las los el al bin ibn bint ben af av ter
  ten te und y e i`)

/** Legal forms and fillers in the names of organisations. */
export const legalForms = set(`
  inc incorporated corp corporation co company companies ltd limited llc llp lp plc pllc pc gmbh mbh ag kg kgaa ohg gbr ug ev eg
  se sa sas sarl sasu eurl srl spa sl slu bv nv vof oy oyj ab as asa aps kft zrt bt sro spol doo dd ood eood pty pvt pte bhd sdn kk
  the and of for und et y e de la le les das der die`)

/** Words of organisations in their short form. */
export const organisationWords: ReadonlyMap<string, string> = new Map(
  `international intl,national natl,association assn,assoc assn,associates assn,university univ,universitat univ,universite univ,
  department dept,institute inst,institut inst,manufacturing mfg,services svc,service svc,svcs svc,brothers bros,center ctr,centre ctr,
  zentrum ctr,technologies tech,technology tech,group grp,gruppe grp,holdings holding,systems sys,system sys,government govt,
  foundation fdn,stiftung fdn,hospital hosp,management mgmt,development dev,engineering eng,laboratories lab,laboratory lab,labs lab,
  church ch,school sch,saint st,first 1st,american amer,community comm,education ed,federal fed`
    .split(',')
    .map((pair) => pair.trim().split(' ') as [string, string]),
)

/** Words of streets in one form, across the languages of the post. */
export const streetWords: ReadonlyMap<string, string> = new Map(
  `street st,str str,strasse str,saint st,avenue av,ave av,avda av,avenida av,aven av,road rd,drive dr,drv dr,lane ln,court ct,place pl,
  plaza pl,plz pl,platz pl,plac pl,piazza pl,boulevard bd,blvd bd,boul bd,boulv bd,terrace tce,terr tce,ter tce,crescent cr,cres cr,crs cr,
  circuit cct,circle cir,close cl,highway hwy,parkway pkwy,square sq,gasse g,route rte,rue r,calle c,carrer c,via v,viale v,ulica ul,
  aleja al,aleje al,allee al,north n,south s,east e,west w,northeast ne,northwest nw,southeast se,southwest sw,apartment apt,
  appartement apt,unit apt,flat apt,suite ste,floor fl,building bldg,mount mt,trail trl,grove gr,parade pde,esplanade esp,gardens gdns,
  heights hts,ridge rdg,valley vly,first 1st,second 2nd,third 3rd,fourth 4th,fifth 5th,sixth 6th,seventh 7th,eighth 8th,ninth 9th,tenth 10th,
  travessa tv,praca pl,rua r,estrada est,sokak sk,caddesi cad,mahallesi mah`
    .split(',')
    .map((pair) => pair.trim().split(' ') as [string, string]),
)

/** Words that only say what kind of street it is, or where in a house; they tell no two streets apart. */
export const streetKinds = set(`
  st str av rd dr ln ct pl bd tce cr cct cir cl hwy pkwy sq g rte r c v ul al apt ste fl bldg no nr way weg de la le du des der den
  the of and road tv est sk cad mah`)

/** Mailboxes that belong to a house, not to a person. */
export const sharedMailboxes = set(`
  info office contact admin mail sales hello kontakt support team service webmaster postmaster enquiries inquiries secretary
  sekretariat reception billing accounts accounting hr jobs marketing press presse secretariat contacto verwaltung`)

/** Common words of running text. */
export const stopWords = set(`
  the a an of and or for in on to with from by at as is are be its this that via using into over under between der die das und fur
  mit von des la le les et du de el los y en un une une il lo e di`)
