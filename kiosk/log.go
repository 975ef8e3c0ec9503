package kiosk

import "log/slog"

// The keys of the log's attributes.
const (
	keyAfter   = "after"
	keyDetail  = "detail"
	keyDisplay = "display"
	keyError   = "err"
	keyExpires = "expires"
	keyJump    = "jump"
	keyNext    = "next"
	keyPeer    = "peer"
	keySkew    = "skew"
	keyTries   = "tries"
	keyTrouble = "trouble"
	keyUID     = "uid"
	keyWhy     = "why"
)

func orDiscard(log *slog.Logger) *slog.Logger {
	if log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return log
}
