import { isFormOfName } from './nicknames.ts'

/** Family names that many bear, folded; from general knowledge of the commonest names of some twenty countries. */
const families: ReadonlySet<string> = new Set(
  `smith johnson williams brown jones garcia miller davis rodriguez martinez hernandez lopez gonzalez wilson anderson thomas taylor moore
  jackson martin lee perez thompson white harris sanchez clark ramirez lewis robinson walker young allen king wright scott torres nguyen
  hill flores green adams nelson baker hall rivera campbell mitchell carter roberts gomez phillips evans turner diaz parker cruz edwards
  collins reyes stewart morris morales murphy cook rogers gutierrez ortiz morgan cooper peterson bailey reed kelly howard ramos kim cox
  ward richardson watson brooks chavez wood james bennett gray mendoza ruiz hughes price alvarez castillo sanders patel myers long ross
  foster jimenez davies khan ahmed ali hussain singh kaur begum shah kumar sharma gupta verma reddy das nair iyer rao mehta joshi
  muller mueller schmidt schneider fischer weber meyer meier wagner becker schulz hoffmann schafer koch bauer richter klein wolf schroder
  neumann schwarz zimmermann braun kruger hofmann lange krause lehmann gruber huber berger steiner mayer moser pichler
  bernard dubois durand leroy moreau simon laurent lefebvre michel garnier fournier girard bonnet dupont rossi russo ferrari esposito
  bianchi romano colombo ricci marino greco fernandez gil serrano silva santos oliveira souza pereira costa ferreira rodrigues almeida
  gomes ribeiro carvalho lima araujo nowak kowalski kowalska wisniewski wojcik kowalczyk kaminski lewandowski zielinski
  de jong jansen vries bakker visser smit peeters janssens johansson andersson karlsson nilsson eriksson larsson olsson persson hansen
  olsen larsen pedersen nielsen jensen christensen sorensen korhonen virtanen ivanov ivanova petrov popov smirnov kuznetsov yilmaz kaya
  demir celik sahin ozturk wang li zhang liu chen yang huang zhao wu zhou xu sun ma zhu hu guo lin he tanaka sato suzuki takahashi
  watanabe ito yamamoto nakamura kobayashi kato park choi jung tran le pham hoang huynh vu vo dang bui do ngo okafor adeyemi mohamed
  hassan ibrahim mensah osei kelly obrien ryan walsh byrne oconnor osullivan mcdonald macdonald mckenzie robertson fraser cohen levy`.split(
    /\s+/,
  ),
)

/**
 * Bits to add to two equal names, because they are rarer or commoner than the shipped `u` takes them for: a name that nobody
 * lists is good evidence, Smith is little.
 */
export function familyRarity(name: string): number {
  return families.has(name) ? -2 : name.length >= 5 ? 2.5 : 0.5
}

/** The same for given names: those that have forms and short forms are the common ones. */
export function givenRarity(name: string): number {
  return isFormOfName(name) ? -0.5 : name.length >= 4 ? 1.5 : 0
}
