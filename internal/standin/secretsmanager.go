package standin

import (
	"slices"

	"github.com/kioskeeper/kioskeeper/secret"
)

// A Secret is one of Secrets Manager's.
type Secret struct {
	Name     string
	Versions []SecretVersion
}

// A SecretVersion is one content of a secret: a text, or else bytes.
type SecretVersion struct {
	ID     string   // 32 to 64 characters
	Stages []string // "AWSCURRENT" is what is given when nothing is asked for
	Text   secret.Text
	Binary []byte
}

const currentStage = "AWSCURRENT"

// getSecretValue answers GetSecretValue. Codes [D]; texts as moto has them [S].
func (s *Server) getSecretValue(c *call, who credential) (any, *stsError) {
	var in struct{ SecretId, VersionId, VersionStage string }
	if refusal := c.decode(&in); refusal != nil {
		return nil, refusal
	}
	notFound := func(text string) (any, *stsError) {
		return nil, &stsError{code: "ResourceNotFoundException", message: text}
	}
	switch {
	case in.SecretId == "" || len(in.SecretId) > 2048:
		return nil, invalidJSON("secretId", "have length between 1 and 2048")
	case in.VersionId != "" && (len(in.VersionId) < 32 || len(in.VersionId) > 64):
		return nil, invalidJSON("versionId", "have length between 32 and 64")
	}
	i := slices.IndexFunc(s.Secrets, func(one Secret) bool { return one.Name == in.SecretId })
	if i < 0 {
		return notFound("Secrets Manager can't find the specified secret.")
	}
	found := slices.Clone(s.Secrets[i].Versions)
	if in.VersionId != "" {
		found = slices.DeleteFunc(found, func(v SecretVersion) bool { return v.ID != in.VersionId })
		if len(found) == 0 {
			return notFound("Secrets Manager can't find the specified secret value for VersionId: " + in.VersionId)
		}
	}
	stage := in.VersionStage
	if stage == "" && in.VersionId == "" {
		stage = currentStage
	}
	if stage != "" {
		found = slices.DeleteFunc(found, func(v SecretVersion) bool { return !slices.Contains(v.Stages, stage) })
	}
	switch {
	case len(found) == 0 && in.VersionId != "":
		return nil, &stsError{code: "InvalidRequestException",
			message: "You provided a VersionStage that is not associated to the provided VersionId."}
	case len(found) == 0:
		return notFound("Secrets Manager can't find the specified secret value for staging label: " + stage)
	}
	answer := map[string]any{
		"ARN":  "arn:aws:secretsmanager:eu-west-1:" + accountOf(who.arn) + ":secret:" + in.SecretId + "-AbCdEf",
		"Name": in.SecretId, "VersionId": found[0].ID, "VersionStages": found[0].Stages,
		"CreatedDate": float64(c.now.Unix()),
	}
	if found[0].Binary != nil {
		answer["SecretBinary"] = found[0].Binary // as base64
	} else {
		answer["SecretString"] = found[0].Text.Reveal()
	}
	return answer, nil
}

func invalidJSON(member, must string) *stsError {
	return &stsError{code: "ValidationException",
		message: "1 validation error detected: Value at '" + member + "' failed to satisfy constraint: Member must " + must}
}
