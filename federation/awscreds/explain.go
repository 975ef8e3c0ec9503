package awscreds

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/smithy-go"

	"github.com/kioskeeper/kioskeeper/federation"
)

const (
	hintPortal = "check that no proxy or captive portal answers in place of AWS"
	// skewRefused is the least skew that a refused signature is put down to: the SDK's own threshold.
	skewRefused = 4 * time.Minute
)

var (
	// The words of AWS that are repeated, each in a form that no secret has.
	deniedUser = regexp.MustCompile(`^User: (arn:[a-z-]+:(?:iam|sts)::[0-9]{12}:[\w+=,.@/-]{1,200}) is not authorized`)
	plainCode  = regexp.MustCompile(`^[A-Za-z]{1,48}$`)
)

// explain makes an Error of what an AWS call failed with: the kind, and the key or policy that mends it. AWS's message is
// looked at but not passed on: that of a signature which does not match quotes the request, session token and all.
func explain(op string, err error, clock clockReader) error {
	var status int
	if answer, ok := errors.AsType[interface {
		error
		HTTPStatusCode() int
	}](err); ok {
		status = answer.HTTPStatusCode()
	}
	api, ok := errors.AsType[smithy.APIError](err)
	switch {
	case !ok && status == 0:
		return federation.NetworkError(op, err)
	case !ok && status < 300:
		return &federation.Error{Op: op, Kind: federation.Unexpected, Status: status,
			Detail: "the answer is not AWS's", Hint: hintPortal}
	}
	e := &federation.Error{Op: op, Kind: federation.Refused, Status: status}
	var code, message string
	if ok {
		code, message = api.ErrorCode(), api.ErrorMessage()
	}
	switch {
	case status == http.StatusTooManyRequests, strings.HasPrefix(code, "Throttling"), code == "RequestLimitExceeded",
		code == "TooManyRequestsException":
		e.Kind, e.Hint = federation.Throttled, "fewer calls at once help"
	case status >= 500:
		e.Kind = federation.Unavailable
	case code == "AccessDenied", code == "AccessDeniedException":
		e.Detail = "the credentials may not assume the role"
		if who := deniedUser.FindStringSubmatch(message); who != nil {
			e.Detail = who[1] + " may not assume the role"
		}
		e.Hint = "the role's trust policy (with role.external_id and role.session_name) and " +
			"their own policy must allow sts:AssumeRole"
	case code == "ExpiredToken", code == "ExpiredTokenException":
		e.Kind, e.Hint = federation.Expired, "get new ones from the source"
	case code == "RequestExpired", code == "RequestTimeTooSkewed", strings.HasPrefix(message, "Signature expired"),
		strings.HasPrefix(message, "Signature not yet current"), badSignature(code) && clock.skew.Abs() > skewRefused:
		e.Kind, e.Hint = federation.ClockWrong, "set the clock, for example with timedatectl set-ntp true"
		if clock.skew != 0 {
			e.Detail = fmt.Sprintf("it is ahead of AWS's by %v (less than 0: behind)", clock.skew.Round(time.Second))
		}
	case badSignature(code):
		e.Kind, e.Hint = federation.WrongCredentials, hintKeys
		e.Detail = "the secret access key does not belong to the access key id"
	case code == "InvalidClientTokenId", code == "InvalidAccessKeyId", code == "UnrecognizedClientException":
		e.Kind, e.Detail, e.Hint = federation.WrongCredentials, "the access key or session token is not known here", hintKeys
	case code == "ValidationError":
		explainValidation(e, message)
	case code == "RegionDisabledException":
		e.Hint = "turn on STS in that region, or set AWS_REGION to another"
	case code == "UnknownError": // the SDK's word for an error that is not in AWS's form
		e.Detail, e.Hint = "without a reason in AWS's form", hintPortal
	case plainCode.MatchString(code):
		e.Detail = code
	}
	return e
}

const hintKeys = "it may have been deleted, or be of another partition than role.arn; see the source's credentials"

func badSignature(code string) bool {
	return code == "SignatureDoesNotMatch" || code == "InvalidSignatureException"
}

// explainValidation tells the durations, which a plan cannot foresee where the role's maximum is not known, from the rest.
func explainValidation(e *federation.Error, message string) {
	e.Kind = federation.WrongDuration
	switch {
	case strings.Contains(message, "role chaining"):
		e.Detail, e.Hint = "a role assumed with a role's credentials lasts 1h at most", "lower role.duration to 1h"
	case strings.Contains(message, "MaxSessionDuration"):
		e.Detail, e.Hint = "it is more than the role allows", "lower role.duration, or raise the role's MaxSessionDuration"
	case strings.Contains(message, "urationSeconds"):
		e.Detail, e.Hint = "a role's session lasts 15m to 12h", "set role.duration within that"
	default:
		e.Kind, e.Hint = federation.Invalid, "check role.arn, role.session_name and role.external_id"
	}
}
