package sqs

import "github.com/hearthfaas/hearth/internal/wire"

// API is the service as the edge serves it.
func (s *Service) API() *wire.Service {
	return &wire.Service{Name: "sqs", Operations: s.Operations()}
}

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known.
var Notes = map[string]wire.Note{
	"CreateQueue": {Support: wire.Differs, Text: "A deleted queue's name is free at once: QueueDeletedRecently never comes, as scripts and Terraform make and delete queues all the time. " +
		"KmsMasterKeyId, KmsDataKeyReusePeriodSeconds and SqsManagedSseEnabled are recorded and encrypt nothing. A redrive allow policy is enforced when a redrive policy is set."},
	"DeleteQueue":          {Support: wire.Differs, Text: "The queue is gone at once, not within 60 seconds."},
	"PurgeQueue":           {Support: wire.Differs, Text: "The messages are gone at once, not within 60 seconds."},
	"SendMessage":          {Support: wire.Differs, Text: "MessageGroupId on standard queues is kept and returned; receivers share messages by age, not by group. A FIFO queue's throughput has no quota."},
	"SendMessageBatch":     {Support: wire.Differs, Text: "As SendMessage."},
	"ReceiveMessage":       {Support: wire.Differs, Text: "What a ReceiveRequestAttemptId has received is forgotten by a restart; the messages come again after their visibility timeout."},
	"SetQueueAttributes":   {Support: wire.Differs, Text: "In force at once. As CreateQueue otherwise."},
	"StartMessageMoveTask": {Support: wire.Differs, Text: "Moves what is visible; without a rate as fast as the disk allows. Needs no sqs:GetQueueAttributes on the source."},
}
