/* An operator's turn, by its view of the world: wake.pml includes it once for each view. */
  /* a pod that is not the session's pod of now is ended and released */
#ifndef NODISCARD
  :: atomic { TURN && LEFT && OURS && SURE && !ENDED && !qdel -> TOOK; todo=STOP; at=quid }
#ifdef UNENDED
  :: atomic { TURN && LEFT && OURS && SURE && (ENDED || qdel) -> TOOK; todo=FREE; at=quid }
#else
  :: atomic { TURN && LEFT && OURS && SURE && ENDED && MORE -> TOOK; todo=FREE; at=quid }
#endif
#endif
  /* how the pod ended is recorded before its name is free */
#ifdef NORECORD
  :: atomic { TURN && CURRENT && ENDED -> TOOK; todo=FREE; at=quid }
#endif
  :: atomic { TURN && CURRENT && ENDED && SAMES -> TOOK;
       assert(ENDS || proc[quid] == OVER || got[1] != quid && got[2] != quid);
       if :: spod == 0 && !sstop && !sdel && !qdel -> want=false; owed=false :: else fi;
#ifdef SPENT
       if :: sstop -> want=false :: else fi;
#endif
       if :: qep > sep -> sep=qep :: else fi;
       spod=0; spub=false; sstop=sdel && sstop; serves=0 }
#ifndef NOVANISH
  :: atomic { TURN && VANISHED && SAMES -> TOOK; spod=0; spub=false; sstop=sdel && sstop; serves=0 }
#endif
  /* a deleted session lets its pod go */
  :: atomic { TURN && csdel && quid == 0 && cspod == 0 && SAMES -> TOOK; undo() }
  :: atomic { TURN && csdel && SERVING && cspod == 0 && !csstop && SAMES -> TOOK; sstop=true; serves=0; todo=STOP; at=quid }
  :: atomic { TURN && csdel && SERVING && cspub && SAMES -> TOOK; spub=false }
  :: atomic { TURN && csdel && SERVING && cspod != 0 && !cspub && !csstop && !qdel && SAMES -> TOOK; sstop=true; serves=0; todo=STOP; at=quid }
  /* a published session stays so until it is idle, or its pod is taken away */
  :: atomic { TURN && !csdel && SERVING && cspub && qdel && SAMES -> TOOK; spub=false; sstop=true; want=false; serves=0 }
  :: atomic { TURN && !csdel && SERVING && cspub && !qdel && SAMES && harms > 0 -> harms--; TOOK; spub=false; want=false }
  /* a stop that is committed is carried out */
#ifndef NOSTOP
  :: atomic { TURN && SERVING && csstop && !qdel -> TOOK; todo=STOP; at=quid }
#endif
  /* an unpublished session is stopped, unless it is wanted again: the other model has what is between */
  :: atomic { TURN && !csdel && SERVING && cspod != 0 && !cspub && !csstop && !qdel && SAMES -> TOOK;
       if :: want -> spub=true; owed=false :: else -> sstop=true; serves=0; todo=STOP; at=quid fi }
  /* a start that has begun is carried to publication or to its time-out */
#ifdef NOCAS
  :: atomic { TURN && !csdel && !csstop && SERVING && cspod == 0 && !qdel && qaddr && suid != 0 -> TOOK;
#else
  :: atomic { TURN && !csdel && !csstop && SERVING && cspod == 0 && !qdel && qaddr && SAMES -> TOOK;
#endif
       assert(OWN || qown == suid);
       assert(GROWS || qep > last);
       sep=qep; spod=quid; spub=true; want=true; owed=false; last=qep; serves=quid }
#ifndef NOTIMEOUT
  :: atomic { TURN && !csdel && !csstop && SERVING && cspod == 0 && !qdel && !qaddr && SAMES && (harms > 0 || !ANSWERS(qnode)) -> TOOK;
       if :: ANSWERS(qnode) -> harms-- :: else fi;
       if :: qep > sep -> sep=qep :: else fi;
       want=false; owed=false; todo=STOP; at=quid }
#endif
  /* a wanted session gets a pod */
  :: atomic { TURN && csuid != 0 && !csdel && quid == 0 && cspod == 0 && cwant && !csfin && SAMES -> TOOK; sfin=true }
  :: atomic { TURN && csuid != 0 && !csdel && quid == 0 && cspod == 0 && cwant && csfin -> TOOK;
       if
#ifdef NONAME
       :: true ->
#else
       :: puid == 0 ->
#endif
            assert(SPEND || pods < PODS);
            unmake(); pods++; puid=pods; pown=csuid; pep=csep+1; pfin=FINALIZER
#ifndef NONAME
       :: else
#endif
       fi }

  /* the change that is still to be made, or a crash before it */
  :: atomic { todo == STOP -> todo=NOTHING;
       if :: DELETES -> assert(LIVES || puid != serves && !EXPECTED); remove() :: else fi; at=0 }
  :: atomic { todo == FREE && puid == at && pfin -> assert(ENDS || proc[at] == OVER || got[1] != at && got[2] != at);
       assert(TOLD || !EXPECTED);
       pfin=false; todo=FINISH;
       if :: pzero -> unmake(); todo=NOTHING; at=0 :: else fi }
  :: atomic { todo == FREE && puid != at -> todo=NOTHING; at=0 }
  :: atomic { todo == FREE && puid == at && !pfin -> todo=FINISH }
  :: atomic { todo == FINISH -> todo=NOTHING;
#ifndef NOFINISH
       if :: DELETES -> force() :: else fi;
#endif
       at=0 }
  :: atomic { todo != NOTHING && CRASHES -> CRASH; todo=NOTHING; at=0 }
