"""Sequencer: appends items to the log and signs the next checkpoint, one transaction for each batch.

    genesis.found(database, register, signer, payload, ...)        genesis, leaf 0 and 1; once
    ledger.Ledger.open(database, register, signer)                recovers, refuses what does not fit together
        .append(items)              -> Future[Appended]           StatementItem AnnotationItem ActItem LapseItem
        .record_inquiries(items)    -> Future[[InquiryResult]]    durable before they are answered
        .heartbeat()                -> Future[Appended]           a HEAD, if one is due
        .view()                     -> View                       memory and one snapshot that agree
        .clock()

How it hangs together: ``batches`` is the one thread that writes; ``append`` is its transaction: ``follow`` what other
processes have appended, ``load`` what the batch needs, decide each item (``admission``, ``decisions``) on a
``staging``, write, commit. ``publish`` moves the checkpoint register, then signs.
``map_tree`` and ``log_tree`` are the two trees; ``committed`` holds the
newest commit, of which a ``view`` shows one.

Reasons that refuse an item beside those of the kernel: ALIASES_INVALID, COMMITMENT_MISMATCH, DEBT_TAKEN,
DISCLOSURE_MISMATCH, ERASED_ALONE, INQUIRY_WAITING, INQUIRY_TAKEN, QUOTA_EXCEEDED, SUBJECT_CHANGED,
TOO_MANY_RECORDS, ALREADY_FOUNDED.
"""
