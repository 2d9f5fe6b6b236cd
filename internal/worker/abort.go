package worker

import "context"

// Abort ends what runs in the environment, under its invoke, which comes to an end at
// once.
func (e *Environment) Abort(ctx context.Context) { e.abort(ctx) }
