package sns

import "github.com/hearthfaas/hearth/internal/wire"

// Notes say where operations differ from AWS's. One without a note does not, as far
// as is known. SMS, push notifications and data protection are not served at all.
var Notes = map[string]wire.Note{
	"ConfirmSubscription": {Support: wire.Differs, Text: "The link in a message leads to this node."},
	"CreateTopic": {Support: wire.Differs, Text: "KmsMasterKeyId, TracingConfig, DisplayName and delivery status logging are kept and shown only. " +
		"ArchivePolicy and DataProtectionPolicy are refused."},
	"Publish":                   {Support: wire.Differs, Text: "To topics only: no SMS, no platform endpoints. Signing certificates come from this node, at /_hearth/sns/."},
	"SetSubscriptionAttributes": {Support: wire.Differs, Text: "ReplayPolicy is refused: there is no archive."},
	"SetTopicAttributes": {Support: wire.Differs, Text: "KmsMasterKeyId, TracingConfig, DisplayName and delivery status logging are kept and shown only. " +
		"ArchivePolicy is refused."},
	"Subscribe": {Support: wire.Differs, Text: "The protocols are http, https, lambda and sqs; email, email-json, sms, application and firehose are refused."},
}
