/* The life of a key's pods: one name, a pod object in the API server, processes on two nodes of which the first may be lost, a kubelet on
   each, an operator that crashes, a late former leader, people, gateways that wake. Views are late: an operator's view of the Session, of
   the pod and of the node are of three different times, and what it decides on them it may do at any time after.
   spin -a -DPODS=6 -DTOUCHES=2 -DHARMS=2 -DTURNS=1 wake.pml && gcc -O2 -DSAFETY -DCOLLAPSE -DMEMLIM=9000 -o pan pan.c && ./pan -E -m200000
   Bounds: PODS made, TOUCHES of gateways, HARMS done by people, nodes and crashes, TURNS of whoever is late. NODE=false: the first node begins
   as lost, and the API server knows.
   Asserted, each under the name that its violation shows:
   ONE        at most one process runs
   ONCE       an epoch is one process
   ENDS       a pod is released, and its end recorded, when it has ended
   OWN        a pod serves no other Session than its own, though that has its name
   GROWS      the epochs that a Session publishes only grow
   LIVES      a pod that serves, or may yet, is stopped by nobody of us before that is committed
   TOLD       a pod is released when its end is recorded
   SPEND      so much harm costs so many pods, and no more
   and wherever nothing is left to do:
   SERVED     who waits was served, or told why not
   ORPHAN     no pod outlives its Session, and no Session its deletion
   STUCK      a name is free, or its pod serves; else its node is lost, nobody has said so to the API server, and the pod is asked to stop
   Each of these leaves one rule out, and must fail:
   NOFINALIZER  a pod has no finalizer of ours
   NONAME       a pod's name does not follow from the session's
   RESTARTS     the kubelet restarts what has ended
   PHASE        a terminal phase is evidence, whatever was last said of the containers
   SILENCE      a node that does not answer is evidence
   OLDTAINT     a lost node is evidence as it was last heard of
   UNENDED      a pod is released when it was asked to stop
   NOUID        what is deleted is whatever has the name
   NOOWNER      a pod is the session's by its name and its epoch
   NOEPOCH      a pod is the session's by its name and its owner
   NOCAS        a publication is no compare-and-swap
   OLDSESSION   a pod is a leftover of the session as it was last heard of
   NORECORD     a pod is released before its end is recorded
   LETGO        a Session has no finalizer of ours
   NOLEFT       a pod without a Session is nobody's
   NODISCARD    a leftover is left alone
   NOSTOP       a stop that is committed, and then a crash came, is not carried out
   NOFINISH     who takes the finalizer off leaves the delete to the kubelet
   NOVANISH     a published pod that is not there is waited for
   NAMEGONE     a published pod is there as long as some pod has its name
   NOTIMEOUT    a start goes on for ever
   SPENT        the end of a pod that was asked to stop spends the demand that came since
   NO410        a touch of a Session that is being deleted counts as demand
   And each of these is something that we take for granted of others, without which there is no promise:
   LIAR         somebody says that a node is lost while it runs
   UNHEARD      somebody but the kubelet writes a terminal phase while a container runs of which the kubelet has never told */
#ifndef PODS
#define PODS 6
#endif
#ifndef TOUCHES
#define TOUCHES 2
#endif
#ifndef HARMS
#define HARMS 2
#endif
#ifndef TURNS
#define TURNS 1
#endif
#ifndef NODE
#define NODE true
#endif

/* The Session, as the API server has it: uid 0 is none. Want is demand other than that which the last drain was decided on. */
byte suid, sep, spod; bool sdel, sfin, spub, sstop, want;
/* The pod that has the name: uid 0 is none, node 0 is not bound. Zero: deleted with grace 0, only a finalizer holds it. */
byte puid, pown, pep, pnode; bool pfin, pdel, pzero, pterm, prun, paddr;
/* The world: what has become of each pod's process, the first node and what is said of it. */
#define NONE 0
#define RUNS 1
#define OVER 2
byte proc[PODS+1]; byte running; bool on = NODE; bool link = true; bool lost = !NODE;
byte sessions, pods, touches = TOUCHES, harms = HARMS;
/* What is only asked about. Owed: a gateway waits. Last: the last epoch that this Session published. Got: what each kubelet holds. */
bool owed; byte last; byte serves; byte got[3]; byte turns = TURNS;
hidden byte ONE, ONCE, OWN, GROWS, LIVES, ENDS, TOLD, SPEND, SERVED, ORPHAN, STUCK;   /* never true: pan prints them with what is violated */

#define ANSWERS(n) (n == 2 || on && link)
#define BLOCKED (puid != 0 && pnode == 1 && !(on && link) && !lost && (pdel || spub))

inline unmake() { puid=0; pown=0; pep=0; pnode=0; pfin=false; pdel=false; pzero=false; pterm=false; prun=false; paddr=false }
inline undo() { suid=0; sep=0; spod=0; sdel=false; sfin=false; spub=false; sstop=false; want=false; last=0 }
/* the API server deletes a pod: one that is on no node needs no grace */
inline remove() { pdel=true; if :: pnode == 0 -> pzero=true :: else fi; if :: pzero && !pfin -> unmake() :: else fi }
inline force() { pdel=true; pzero=true; if :: !pfin -> unmake() :: else fi }

/* Gateways: demand. */
active proctype gateway() {
  do
  :: atomic { touches > 0 -> touches--;
       if
       :: suid == 0 -> sessions++; suid=sessions; want=true; owed=true
#ifdef NO410
       :: suid != 0 -> want=true; owed = (owed || !spub)
#else
       :: suid != 0 && sdel -> skip
       :: suid != 0 && !sdel -> want=true; owed = (owed || !spub)
#endif
       fi }
  :: touches == 0 -> break
  od
}

/* People, and controllers that are not ours. */
active proctype people() {
  do
  :: atomic { puid != 0 && !pdel && harms > 0 -> harms--; remove() }
  :: atomic { puid != 0 && !pzero && harms > 0 -> harms--; force() }
  :: atomic { suid != 0 && !sdel && harms > 0 -> harms--; owed=false; 
#ifndef LETGO
       if :: sfin -> sdel=true :: else -> undo() fi
#else
       undo()
#endif
     }
  /* our finalizer is taken off by hand, of a pod that has ended */
  :: atomic { puid != 0 && pfin && proc[puid] == OVER && harms > 0 -> harms--; pfin=false; force() }
  /* a phase that is not the kubelet's word */
#ifdef UNHEARD
  :: atomic { puid != 0 && !pterm && pnode != 0 && harms > 0 -> harms--; pterm=true }
#else
  :: atomic { prun && !pterm && harms > 0 -> harms--; pterm=true }
#endif
  /* the first node: off and on, cut off and back, said to be lost, which has its pods deleted */
  :: atomic { on && harms > 0 -> harms--; on=false; if :: proc[got[1]] == RUNS -> proc[got[1]]=OVER; running-- :: else fi; got[1]=0 }
  :: atomic { !on && harms > 0 -> harms--; on=true; lost=false }
  :: atomic { link && harms > 0 -> harms--; link=false }
  :: atomic { !link && harms > 0 -> harms--; link=true }
#ifdef LIAR
  :: atomic { !lost && harms > 0 -> harms--; lost=true; if :: pnode == 1 -> pdel=true :: else fi }
#else
  :: atomic { !on && !lost && harms > 0 -> harms--; lost=true; if :: pnode == 1 -> pdel=true :: else fi }
#endif
  :: harms == 0 -> break
  od
}

/* Kubernetes: the scheduler, and the pod garbage collector. */
active proctype cluster() {
  do
  :: atomic { puid != 0 && pnode == 0 && !pdel && !pterm -> if :: !lost -> pnode=1 :: pods > 1 || lost -> pnode=2 fi }
  :: atomic { puid != 0 && !pterm && (pdel && pnode == 0 || pnode == 1 && lost) -> pterm=true; force() }
  :: timeout -> break
  od;
  assert(SERVED || !owed || BLOCKED);
  assert(ORPHAN || (puid == 0 || pown == suid || BLOCKED) && (!sdel || BLOCKED));
  assert(STUCK || (puid == 0 || spub && spod == puid || BLOCKED) && (!spub || spod == puid))
}

proctype kubelet(byte n) {
  do
  :: atomic { ANSWERS(n) && puid != 0 && pnode == n && !pdel && !pterm && proc[puid] == NONE && got[n] != puid &&
       (got[n] == 0 || proc[got[n]] == OVER) -> got[n]=puid }
#ifdef RESTARTS
  :: atomic { (n == 2 || on) && got[n] != 0 && (proc[got[n]] == NONE || proc[got[n]] == OVER && puid == got[n] && !pdel && !pterm) ->
#else
  :: atomic { (n == 2 || on) && got[n] != 0 && proc[got[n]] == NONE ->
#endif
       assert(ONCE || proc[got[n]] == NONE);
       assert(ONE || running == 0);
       proc[got[n]]=RUNS; running++ }
  :: atomic { got[n] != 0 && proc[got[n]] == RUNS && harms > 0 -> harms--; proc[got[n]]=OVER; running-- }     /* it ends by itself */
  :: atomic { ANSWERS(n) && puid != 0 && pnode == n && got[n] == puid && !pterm && !paddr && proc[puid] != OVER -> paddr=true }
  :: atomic { ANSWERS(n) && puid != 0 && pnode == n && !pterm && !prun && proc[puid] == RUNS -> prun=true; paddr=true }
  :: atomic { ANSWERS(n) && got[n] != 0 && (puid != got[n] || pdel) && proc[got[n]] != OVER ->
       if :: proc[got[n]] == RUNS -> proc[got[n]]=OVER; running-- :: else -> got[n]=0 fi }
  :: atomic { ANSWERS(n) && puid != 0 && pnode == n && (!pterm || prun) && (proc[puid] == OVER || proc[puid] == NONE && pdel && got[n] != puid) ->
       pterm=true; prun=false }
  :: atomic { ANSWERS(n) && puid != 0 && pnode == n && pterm && !prun && proc[puid] != RUNS && pdel && !pzero -> force() }
  od
}

/* The operator's view: of the Session (c...), of the pod (q...), of the node (nt). */
#define SAMES (csuid == suid && csep == sep && cspod == spod && csdel == sdel && csfin == sfin && cspub == spub && csstop == sstop && cwant == want)

/* What is evidence that a pod has ended. */
#ifdef PHASE
#define TERMINAL (qterm)
#else
#define TERMINAL (qterm && !qrun)
#endif
#ifdef OLDTAINT
#define NODELOST (nt)
#else
#ifdef SILENCE
#define NODELOST (nt && lost || !(on && link))
#else
#define NODELOST (nt && lost)
#endif
#endif
#define ENDED (TERMINAL || qdel && (qnode == 0 || qnode == 1 && NODELOST))

/* Whose a pod is. */
#ifdef NOOWNER
#define MINE true
#else
#define MINE (qown == csuid)
#endif
#ifdef NOEPOCH
#define NEXT true
#else
#define NEXT (qep == csep+1)
#endif
#define CURRENT (quid != 0 && MINE && (cspod != 0 && quid == cspod || cspod == 0 && NEXT))
/* the pod that was published is not there: asked of the API server */
#ifdef NAMEGONE
#define VANISHED (cspod != 0 && quid == 0 && puid == 0)
#define LEFT (quid != 0 && !CURRENT)
#else
#define VANISHED (cspod != 0 && quid != cspod && puid != cspod)
#define LEFT (quid != 0 && !CURRENT && cspod == 0)
#endif
#ifdef OLDSESSION
#define SURE (csuid != 0 || suid == 0)
#else
/* that a pod is of an epoch that is over is so for ever; all else is asked of the API server */
#define SURE (qown == csuid && qep <= csep || SAMES)
#endif
#define SERVING (csuid != 0 && CURRENT && !ENDED)

/* asked: a change of the world that is still to be made after a status was written or a question was answered */
#ifdef NOUID
#define DELETES (puid != 0)
#else
#define DELETES (puid != 0 && puid == at)
#endif
#ifdef NOFINISH
#define MORE (pfin)
#else
#define MORE true
#endif
#ifdef NOFINALIZER
#define FINALIZER false
#else
#define FINALIZER true
#endif
#define NOTHING 0
#define STOP 1
#define FREE 2
#define FINISH 3
#define TURN (todo == NOTHING && READY)
/* of a pod that was published, until its stop is committed or its end is recorded */
#define EXPECTED (suid != 0 && pown == suid && !sstop && (spod == puid || spod == 0 && pep == sep+1))

#ifdef NOLEFT
#define OURS (csuid != 0)
#else
#define OURS true
#endif
/* The leader, who sees what is so. */
#define csuid suid
#define csep sep
#define cspod spod
#define csdel sdel
#define csfin sfin
#define cspub spub
#define csstop sstop
#define cwant want
#define quid puid
#define qown pown
#define qep pep
#define qnode pnode
#define qdel pdel
#define qterm pterm
#define qrun prun
#define qaddr paddr
#define nt lost
#define READY true
#define CRASHES (harms > 0)
#define CRASH harms--
#define TOOK skip
proctype leader() {
  byte todo, at;
  do
#include "turn.pml"
  od
}
#undef csuid
#undef csep
#undef cspod
#undef csdel
#undef csfin
#undef cspub
#undef csstop
#undef cwant
#undef quid
#undef qown
#undef qep
#undef qnode
#undef qdel
#undef qterm
#undef qrun
#undef qaddr
#undef nt
#undef READY
#undef TOOK
#undef CRASHES
#undef CRASH

/* Whoever is late: a former leader, or the leader itself while its caches lag. It looks at the Session, at the pod and at the node once for
   each turn at most, whenever that is, and may keep what it saw before. */
#define READY (turns > 0)
#define TOOK turns--; sawS=false; sawP=false; sawN=false
#define CRASHES true
#define CRASH skip
proctype late() {
  byte csuid, csep, cspod; bool csdel, csfin, cspub, csstop, cwant;
  byte quid, qown, qep, qnode; bool qdel, qterm, qrun, qaddr;
  bool nt, sawS, sawP, sawN; byte todo, at;
  do
  :: atomic { TURN && !sawS ->
       csuid=suid; csep=sep; cspod=spod; csdel=sdel; csfin=sfin; cspub=spub; csstop=sstop; cwant=want; sawS=true }
  :: atomic { TURN && !sawP ->
       quid=puid; qown=pown; qep=pep; qnode=pnode; qdel=pdel; qterm=pterm; qrun=prun; qaddr=paddr; sawP=true }
  :: atomic { TURN && !sawN && nt != lost -> nt=lost; sawN=true }
#include "turn.pml"
  :: todo == NOTHING -> break
  od
}

init { atomic { run kubelet(1); run kubelet(2); run leader(); run late() } }
