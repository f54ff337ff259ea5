// The words of the verdict on a call and of all its figures, loaded with the page of a call.
import type { Culprit, Party, Problem, Rating } from "../types";
import type { Code } from ".";

type Sentences = Record<Exclude<Problem, "missing">, (who: string, where: string, value: string) => string>;

export type FigureName =
  | "discarded"
  | "mouthToEar"
  | "mosCq"
  | "burstR"
  | "bursts"
  | "burstDensity"
  | "burstDuration"
  | "gapDensity"
  | "gapDuration"
  | "lossRuns"
  | "pdv50"
  | "pdv95"
  | "pdv99"
  | "deltaMax"
  | "drift"
  | "steps"
  | "oneWay"
  | "rtt"
  | "delaySource"
  | "packetisation"
  | "lookAhead"
  | "bufferDelay"
  | "playOut"
  | "reports"
  | "remoteLoss"
  | "remoteLost"
  | "remoteJitter"
  | "remoteRtt"
  | "xrMosLq"
  | "xrMosCq"
  | "xrDiscard"
  | "peak"
  | "deadAir"
  | "judged"
  | "payloadType"
  | "clockRate"
  | "source"
  | "events"
  | "comfortNoise";

type Figure = readonly [label: string, hint: string];

const en = {
  verdict: {
    title: "Verdict",
    rating: {
      good: "This call is good",
      fair: "This call is fair: some will not be satisfied",
      poor: "This call is poor",
      unknown: "Nothing can be said of this call’s quality yet",
    } as Record<Rating, string>,
    party: { caller: "the caller", callee: "the callee" } as Record<Party, string>,
    where: {
      caller_access: "between the caller and this system",
      callee_access: "between this system and the callee",
      caller_device: "in the caller’s device",
      callee_device: "in the callee’s device",
      monitor: "in this system itself, which is overloaded",
      codec: "in the codec",
      unknown: "at a place that the measurements do not show",
    } as Record<Culprit, string>,
    problem: {
      loss: (who, where, value) => `${value} of what ${who} says is lost ${where}.`,
      late: (who, where, value) => `${value} of what ${who} says comes too late to be played: uneven delays ${where}.`,
      delay: (who, where, value) => `What ${who} says is heard ${value} later: delay ${where}.`,
      clock: (who, where, value) => `The clock of what ${who} sends is off by ${value}: a fault ${where}.`,
      codec: (who) => `The codec alone costs much of the quality of what ${who} says.`,
      silent: (who, where, value) => `For ${value} the packets of ${who} had no sound in them: a fault ${where}.`,
      clipped: (who, where, value) => `The voice of ${who} is too loud: ${value} of it is cut off ${where}.`,
    } as Sentences,
    missing: (who: string) => `Nothing is heard of ${who}: no packet arrives. Look for a firewall, or a false address in its SDP.`,
    missingBehindNat: (who: string, where: string) =>
      `Nothing is heard of ${who}: the packets come from another address than was announced. Look at the NAT ${where}.`,
    nothing: "Nothing wrong was found.",
    limit: (limit: string) => `noticeable from ${limit}`,
    cost: (points: string) => `costs ${points} points of R`,
    unseen: (who: string) => `What reached ${who} after this system is not known: that device does not report it (no RTCP).`,
  },
  // What each figure is called, and what it means.
  figures: {
    discarded: ["Too late", "Packets that came too late for the de-jitter buffer, of those expected"],
    mouthToEar: ["Delay, mouth to ear", "From one person’s mouth to the other’s ear; up to 150 ms nobody notices (ITU-T G.114)"],
    mosCq: ["MOS-CQ", "The MOS with the delay taken into account: how good the conversation is, not only the sound"],
    burstR: ["BurstR", "Burst ratio (ITU-T G.107) of what was lost or late: 1 is random, above it is in bursts"],
    bursts: ["Bursts", "Stretches full of missing packets; 16 good ones in a row end one (RFC 3611)"],
    burstDensity: ["Missing in bursts", "Share of the packets in bursts that are missing (RFC 3611)"],
    burstDuration: ["Burst length", "Mean duration of a burst"],
    gapDensity: ["Missing in gaps", "Share of all other packets that are missing (RFC 3611)"],
    gapDuration: ["Gap length", "Mean time between bursts"],
    lossRuns: ["Lost in a row", "How many packets were lost in a row, and how often"],
    pdv50: ["PDV, median", "How much later than the fastest packet half of the packets came (RFC 5481)"],
    pdv95: ["PDV, 95 %", "95 of 100 packets came no later than this after the fastest (RFC 5481)"],
    pdv99: ["PDV, 99 %", "99 of 100 packets came no later than this after the fastest (RFC 5481)"],
    deltaMax: ["Longest pause", "Longest time between two packets, less the sender’s silence (max delta in Wireshark)"],
    drift: ["Clock drift", "The sender’s clock against ours; known after 30 s. Crystals keep 100 ppm"],
    steps: ["Timestamp jumps", "Times that the sender set its timestamp anew"],
    oneWay: ["Network, one way", "Half of the round trip, as if both ways took the same"],
    rtt: ["Round trip", "Between the two phones, through this system"],
    delaySource: ["Source", "Where the delay is known from"],
    packetisation: ["Packetisation", "The sound in a packet: none leaves before its end"],
    lookAhead: ["Codec look-ahead", "What the codec waits for before it codes"],
    bufferDelay: ["De-jitter buffer", "Mean time in the buffer that is scored"],
    playOut: ["Play-out", "Sound card and signal processing; assumed, no packet shows it"],
    reports: ["Reports", "RTCP reception reports of the other end so far"],
    remoteLoss: ["Lost lately", "Since its report before, on the whole way (RFC 3550)"],
    remoteLost: ["Lost in all", "Expected less received; duplicates hide loss (RFC 3550)"],
    remoteJitter: ["Jitter there", "As the other end measures it (RFC 3550)"],
    remoteRtt: ["Round trip to us", "Between this system and that phone: the mean"],
    xrMosLq: ["Its MOS-LQ", "As that phone computed it (RTCP XR)"],
    xrMosCq: ["Its MOS-CQ", "As that phone computed it (RTCP XR)"],
    xrDiscard: ["Discarded there", "By the de-jitter buffer of that phone (RTCP XR)"],
    peak: ["Peak", "The highest sample"],
    deadAir: ["Longest dead air", "Longest digital silence while packets flowed"],
    judged: ["Sound judged", "Part of the packets whose sound was judged"],
    payloadType: ["Payload type", "RTP payload type of the latest packet"],
    clockRate: ["Clock rate", "RTP timestamp units a second"],
    source: ["Comes from", "Where the packets come from"],
    events: ["Key presses (packets)", "telephone-event packets (RFC 4733)"],
    comfortNoise: ["Comfort noise (packets)", "Comfort noise packets (RFC 3389)"],
  } as Record<FigureName, Figure>,
  groups: {
    loss: "Loss",
    timing: "Timing",
    delay: "Delay",
    remote: "What the other end says (its word)",
    audio: "Sound",
    stream: "Stream",
  },
  allFigures: "All figures",
  noRemote: "It has reported nothing.",
  delaySources: { rtcp: "measured (RTCP)", "rtcp-xr": "told by a phone (RTCP XR)", configured: "configured" },
  buffers: {
    title: "With another de-jitter buffer",
    hint: "What each buffer would have made of this stream: the delays are the same, what the phone does with them is not.",
    buffer: "Buffer",
    late: "Too late",
    hold: "Mean wait",
    scored: "counts for the MOS above",
    names: { fixed50: "fixed, 50 ms", fixed200: "fixed, 200 ms", adaptive500: "adaptive, up to 500 ms" },
  },
};

export type CallWords = typeof en;

const it: CallWords = {
  verdict: {
    title: "Giudizio",
    rating: {
      good: "La chiamata è buona",
      fair: "La chiamata è discreta: qualcuno non sarà soddisfatto",
      poor: "La chiamata è scarsa",
      unknown: "Della qualità di questa chiamata non si può ancora dire nulla",
    },
    party: { caller: "chiamante", callee: "chiamato" },
    where: {
      caller_access: "tra il chiamante e questo sistema",
      callee_access: "tra questo sistema e il chiamato",
      caller_device: "nell’apparecchio del chiamante",
      callee_device: "nell’apparecchio del chiamato",
      monitor: "in questo sistema, che è sovraccarico",
      codec: "nel codec",
      unknown: "in un punto che le misure non mostrano",
    },
    problem: {
      loss: (who, where, value) => `Si perde il ${value} di quello che dice il ${who}, ${where}.`,
      late: (who, where, value) =>
        `Il ${value} di quello che dice il ${who} arriva troppo tardi per essere riprodotto: ritardi irregolari ${where}.`,
      delay: (who, where, value) => `Quello che dice il ${who} si sente ${value} dopo: ritardo ${where}.`,
      clock: (who, where, value) => `L’orologio di quello che invia il ${who} è sbagliato di ${value}: un guasto ${where}.`,
      codec: (who) => `Il codec da solo toglie molta qualità a quello che dice il ${who}.`,
      silent: (who, where, value) => `Per ${value} i pacchetti del ${who} non contenevano alcun suono: un guasto ${where}.`,
      clipped: (who, where, value) => `La voce del ${who} è troppo forte: il ${value} è tagliato ${where}.`,
    },
    missing: (who) =>
      `Il ${who} non si sente: non arriva alcun pacchetto. Cercare un firewall, o un indirizzo falso nel suo SDP.`,
    missingBehindNat: (who, where) =>
      `Il ${who} non si sente: i pacchetti arrivano da un indirizzo diverso da quello annunciato. Controllare il NAT ${where}.`,
    nothing: "Non è stato trovato alcun difetto.",
    limit: (limit) => `si nota da ${limit}`,
    cost: (points) => `costa ${points} punti di R`,
    unseen: (who) =>
      `Che cosa sia arrivato al ${who} dopo questo sistema non è noto: il suo apparecchio non lo comunica (niente RTCP).`,
  },
  figures: {
    discarded: ["In ritardo", "Pacchetti arrivati troppo tardi per il buffer anti-jitter, sugli attesi"],
    mouthToEar: ["Ritardo bocca-orecchio", "Dalla bocca di chi parla all’orecchio di chi ascolta; fino a 150 ms nessuno se ne accorge (ITU-T G.114)"],
    mosCq: ["MOS-CQ", "Il MOS che tiene conto anche del ritardo: la qualità della conversazione, non solo del suono"],
    burstR: ["BurstR", "Rapporto di burst (ITU-T G.107) di ciò che è perso o in ritardo: 1 è casuale, oltre è a raffiche"],
    bursts: ["Raffiche", "Tratti pieni di pacchetti mancanti; 16 buoni di fila ne chiudono uno (RFC 3611)"],
    burstDensity: ["Mancanti nelle raffiche", "Parte dei pacchetti delle raffiche che manca (RFC 3611)"],
    burstDuration: ["Durata delle raffiche", "Durata media di una raffica"],
    gapDensity: ["Mancanti negli intervalli", "Parte di tutti gli altri pacchetti che manca (RFC 3611)"],
    gapDuration: ["Durata degli intervalli", "Tempo medio tra una raffica e l’altra"],
    lossRuns: ["Persi di fila", "Quanti pacchetti si sono persi di fila, e quante volte"],
    pdv50: ["PDV, mediana", "Di quanto metà dei pacchetti è arrivata dopo il più veloce (RFC 5481)"],
    pdv95: ["PDV, 95 %", "95 pacchetti su 100 sono arrivati entro questo tempo dopo il più veloce (RFC 5481)"],
    pdv99: ["PDV, 99 %", "99 pacchetti su 100 sono arrivati entro questo tempo dopo il più veloce (RFC 5481)"],
    deltaMax: ["Pausa più lunga", "Il tempo più lungo tra due pacchetti, tolti i silenzi del mittente (max delta in Wireshark)"],
    drift: ["Deriva dell’orologio", "L’orologio del mittente rispetto al nostro; nota dopo 30 s. I quarzi stanno entro 100 ppm"],
    steps: ["Salti del timestamp", "Volte in cui il mittente ha reimpostato il timestamp"],
    oneWay: ["Rete, sola andata", "Metà del tempo di andata e ritorno, come se le due vie fossero uguali"],
    rtt: ["Andata e ritorno", "Tra i due telefoni, attraverso questo sistema"],
    delaySource: ["Fonte", "Da dove si conosce il ritardo"],
    packetisation: ["Pacchettizzazione", "La voce in un pacchetto: non parte prima che sia finita"],
    lookAhead: ["Anticipo del codec", "Quanto il codec attende prima di codificare"],
    bufferDelay: ["Buffer anti-jitter", "Tempo medio nel buffer valutato"],
    playOut: ["Riproduzione", "Scheda audio ed elaborazione; ipotizzata, nessun pacchetto la mostra"],
    reports: ["Rapporti", "Rapporti di ricezione RTCP dell’altro capo finora"],
    remoteLoss: ["Persi di recente", "Dal suo rapporto precedente, su tutto il percorso (RFC 3550)"],
    remoteLost: ["Persi in tutto", "Attesi meno ricevuti; i doppi nascondono le perdite (RFC 3550)"],
    remoteJitter: ["Jitter là", "Come lo misura l’altro capo (RFC 3550)"],
    remoteRtt: ["Andata e ritorno fin qui", "Tra questo sistema e quel telefono: la media"],
    xrMosLq: ["Suo MOS-LQ", "Come lo ha calcolato quel telefono (RTCP XR)"],
    xrMosCq: ["Suo MOS-CQ", "Come lo ha calcolato quel telefono (RTCP XR)"],
    xrDiscard: ["Scartati là", "Dal buffer anti-jitter di quel telefono (RTCP XR)"],
    peak: ["Picco", "Il campione più alto"],
    deadAir: ["Muto più lungo", "Il silenzio digitale più lungo mentre arrivavano pacchetti"],
    judged: ["Suono giudicato", "Parte dei pacchetti di cui si è giudicato il suono"],
    payloadType: ["Tipo di payload", "Tipo di payload RTP dell’ultimo pacchetto"],
    clockRate: ["Frequenza del timestamp", "Unità di timestamp RTP al secondo"],
    source: ["Arriva da", "Da dove arrivano i pacchetti"],
    events: ["Tasti (pacchetti)", "Pacchetti telephone-event (RFC 4733)"],
    comfortNoise: ["Rumore di conforto (pacchetti)", "Pacchetti di rumore di conforto (RFC 3389)"],
  },
  groups: {
    loss: "Perdite",
    timing: "Regolarità",
    delay: "Ritardo",
    remote: "Che cosa dice l’altro capo (parola sua)",
    audio: "Suono",
    stream: "Flusso",
  },
  allFigures: "Tutti i dati",
  noRemote: "Non ha comunicato nulla.",
  delaySources: { rtcp: "misurato (RTCP)", "rtcp-xr": "detto da un telefono (RTCP XR)", configured: "impostato" },
  buffers: {
    title: "Con un altro buffer anti-jitter",
    hint: "Che cosa avrebbe fatto ogni buffer di questo flusso: i ritardi sono gli stessi, cambia come li tratta il telefono.",
    buffer: "Buffer",
    late: "In ritardo",
    hold: "Attesa media",
    scored: "vale per il MOS qui sopra",
    names: { fixed50: "fisso, 50 ms", fixed200: "fisso, 200 ms", adaptive500: "adattivo, fino a 500 ms" },
  },
};

export const callWords: Readonly<Record<Code, CallWords>> = { en, it };
