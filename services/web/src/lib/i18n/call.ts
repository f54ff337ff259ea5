// The words of the verdict on a call and of all its figures, loaded with the page of a call.
import type { Culprit, Party, Problem, Rating } from "../types";
import type { Code } from ".";

type Sentences = Record<Exclude<Problem, "missing">, (who: string, where: string, value: string) => string>;

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
};

export const callWords: Readonly<Record<Code, CallWords>> = { en, it };
