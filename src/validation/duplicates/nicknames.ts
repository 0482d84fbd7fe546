/**
 * Given names that stand for each other: short forms, and the same name in another language or spelling. One line a name;
 * compiled from general knowledge, folded as `fold` does. A short form may belong to several.
 */
const groups = `
abigail abby abbie gail
abraham abe avram ibrahim
agnes agnieszka aggie
albert al bert bertie alberto
alexander alex alec sandy sasha xander aleksander alessandro alejandro alexandre oleksandr
alexandra alex sandra sasha lexi aleksandra alessandra alejandra
alfred fred alf alfie alfredo
amanda mandy
andrew andy drew andreas andre andres andrej andrzej andrea
angela angie angelika
ann anne anna annie hannah nancy ana anja anya
anthony tony anton antonio antoine toni antoni
antonia toni tonia
arthur art artie arturo artur
barbara barb babs barbie basia
bartholomew bart
benjamin ben benny benji
bernard bernie bernhard bernardo
bradley brad
bridget biddy bridie brigitte birgit
calvin cal
cameron cam
caroline carol carrie carolyn karoline carolina
catherine kate cathy kathy katie katherine kathryn katharina catarina katarzyna kasia kathleen cath kat kitty caterina ekaterina katja
charles charlie chuck chas carl karl carlos carlo karel
charlotte lottie charlie
christina tina chris kristina christine chrissy kirsten cristina
christopher chris kit topher christoph christophe cristobal krzysztof
clara klara claire clare
claude claudio klaus
cynthia cindy
daniel dan danny daniele
david dave davey davide dawid
deborah deb debbie debra
dennis denny denis
dominic dom nick dominik
donald don donny
dorothy dot dottie dolly dorothea
douglas doug
edgar ed eddie
edmund ed eddie ned
edward ed eddie ted teddy ned eduard eduardo edouard
eleanor ellie nell nellie nora leonora eleonore
elizabeth liz beth betty lizzie eliza elisabeth elise liza lisa bess betsy libby elisa elspeth elzbieta
ellen helen nell ellie helena helene elena
emily em emmy emilia emilie
eric rick erik erich
ernest ernie ernst ernesto
eugene gene eugen eugenio
evelyn eve evie
ferdinand fernando ferdi fernand
florence flo flossie
frances fran franny francesca francoise franziska franciszka
francis frank frankie francisco francesco franz francois franciszek paco pancho
franklin frank
frederick fred freddy freddie rick friedrich frederic federico fritz fryderyk
gabriel gabe
gabrielle gabby gabriela gabriele
george georg jorge georges giorgio jerzy yuri juri
gerald gerry jerry gerhard gerard gerardo
gertrude trudy gert
gregory greg gregor grzegorz gregorio
gunther gunter guenther guenter
harold harry hal harald
harry henry
henry hank harry heinrich henri enrique enrico hal heinz henryk
herbert herb bert
hugo hugh huw
ignatius ignacio ignaz inigo nacho
irene irena irina
isabella isabel bella izzy isabelle izabela
jacob jake jakob jakub jacques
jacqueline jackie
james jim jimmy jamie jaime jem
jane janet jan jenny janey
janet jan
jason jay
jeffrey jeff geoff geoffrey geoffroy
jennifer jen jenny jenn
jeremy jerry jem jeremias
jessica jess jessie
joan joanna jo joanne johanna jeanne juana giovanna
john jack johnny jon johann johannes hans juan jean giovanni ivan jan ian sean joao johan jonny
jonathan jon jonny john
joseph joe joey jose josef giuseppe josip jozef pepe
josephine jo josie josefina josefine
joshua josh
joyce joy
judith judy
julia julie julija giulia
julian jules julius
justin jus
kenneth ken kenny
kimberly kim kimberley
lawrence larry laurie laurence lorenz lorenzo laurent
leonard leo len lenny leonhard leonardo
leslie les
lewis louis lou luis ludwig luigi lewie
lillian lily lil liliana
louise lou luise luisa
lucas luke lukas luca luc lukasz
lucy lucia lucie luzia
madeline maddie madeleine magdalena magda lena
margaret maggie meg peg peggy marge margie rita greta margarete margarita margot marguerite malgorzata gosia margit daisy
maria mary marie marion molly polly mia maryam mariam miriam
mark marc markus marcus marco marcos marek
martha marta marthe
martin marty martinus marcin
matthew matt matthias mathieu mateo matteo mateusz mathias matteus
maurice morris moritz mauricio
maximilian max maxim maximiliano
melissa mel missy
michael mike mick mickey mikey miguel michel michele michal mikhail mihai
mildred millie
mohammed muhammad mohamed mohammad mohamad muhammed mehmet mohd
natalie nat natalia natasha nathalie
nathaniel nathan nat nate
nicholas nick nicky nico nicolas niklas nikolaus klaus nikolai nicola mikolaj
nicole nicki nikki
oliver ollie olivier
olivia liv livvy
oscar oskar
pamela pam
patricia pat patty trish tricia patsy
patrick pat paddy patrice patricio
paul pablo paolo pavel pawel paulo
peter pete pedro pierre pietro piotr petr petra
philip phil phillip philipp philippe felipe filip
rachel rachael raquel
raymond ray raimund ramon raimondo
rebecca becky becca rebekka
reginald reg reggie
richard rick dick rich richie ricky ricardo riccardo ryszard rik
robert bob rob bobby robbie bert roberto
roderick rod
roger rog rudiger
roland rolando orlando
ronald ron ronnie
rosemary rosie rose
rudolf rudy rudolph rodolfo
russell russ
samantha sam
samuel sam sammy
sarah sally sara sadie
sebastian seb bastian
sidney sid sydney
simon simeon szymon
sophia sophie sofia zofia
stanley stan stanislaw
stephanie steph stefanie stefania
stephen steve steven stefan stephan esteban etienne stefano stevie szczepan
susan sue susie suzanne susanne sus susanna zuzanna
sylvia silvia sylvie
terence terry terrence
theodore ted teddy theo theodor teodor
theresa terry tess tessa teresa therese tracy
thomas tom tommy tomas tomasz tommaso
timothy tim timmy timotheus
ulrich uli ulli
ursula uschi ulla
valentine val valentin
vanessa nessa
veronica ronnie vera veronika
victor vic viktor vittorio
victoria vicky vicki tori viktoria
vincent vince vinny vincenz vicente vincenzo
virginia ginny ginger
walter walt wally gualterio
wilfred wilf fred
william bill will billy willy liam wilhelm guillermo guillaume guglielmo wil
winifred winnie
wolfgang wolf
yvonne eve
zachary zach zack zak
`

const named: ReadonlyMap<string, readonly number[]> = index()

function index(): Map<string, number[]> {
  const places = new Map<string, number[]>()
  for (const [place, line] of groups.trim().split('\n').entries())
    for (const name of line.split(' ')) {
      const known = places.get(name)
      if (known === undefined) places.set(name, [place])
      else known.push(place)
    }
  return places
}

/** Whether a folded given name is among those that have forms: the common ones. */
export function isFormOfName(name: string): boolean {
  return named.has(name)
}

/** The names that a folded given name may stand for, as places in the list. */
export const formsOfName = (name: string): readonly number[] => named.get(name) ?? []

/** Whether one given name may be short for, or a form of, the other. Both folded. */
export function isNickname(a: string, b: string): boolean {
  const inA = named.get(a)
  if (inA === undefined) return false
  const inB = named.get(b)
  return inB?.some((place) => inA.includes(place)) ?? false
}
