package standin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/json"
	"slices"
)

// DefaultKMSKey is the one key that there is. The stand-in's secret for it is no secret: it is made of the ARN.
const DefaultKMSKey = "arn:aws:kms:us-east-1:" + DefaultAccount + ":key/00000000-0000-4000-8000-000000000001"

// OtherKMSKey is a second one, in the same account.
const OtherKMSKey = "arn:aws:kms:us-east-1:" + DefaultAccount + ":key/00000000-0000-4000-8000-000000000002"

// A kmsCall has the parameters of both operations. [D]
type kmsCall struct {
	KeyID   string            `json:"KeyId"`
	Spec    string            `json:"KeySpec"`
	Blob    []byte            `json:"CiphertextBlob"`
	Context map[string]string `json:"EncryptionContext"`
}

type kmsAnswer struct {
	KeyID     string `json:"KeyId"`
	Plaintext []byte
	Blob      []byte `json:"CiphertextBlob,omitempty"`
	Algorithm string `json:"EncryptionAlgorithm,omitempty"`
}

// answerKMS makes data keys and opens them again. A key that was sealed under another context, or by another key than the
// one that the caller names, does not open. [D]
func (s *Server) answerKMS(c *call, _ credential) (any, *stsError) {
	var in kmsCall
	if refusal := c.decode(&in); refusal != nil {
		return nil, refusal
	}
	keys := []string{DefaultKMSKey, OtherKMSKey}
	if in.KeyID != "" && !slices.Contains(keys, in.KeyID) {
		return nil, &stsError{code: "NotFoundException", message: "Key '" + in.KeyID + "' does not exist"}
	}
	about, err := json.Marshal(in.Context) // sorts
	if err != nil {
		return nil, &stsError{code: "SerializationException"}
	}
	if c.action == "GenerateDataKey" {
		if in.Spec != "AES_256" || in.KeyID == "" {
			return nil, &stsError{code: "ValidationException", message: "KeyId and a KeySpec of AES_256 are all that there is here"}
		}
		plain, nonce := make([]byte, 32), make([]byte, 12)
		_, _ = rand.Read(plain) // never fails
		_, _ = rand.Read(nonce)
		return kmsAnswer{KeyID: in.KeyID, Plaintext: plain, Blob: kmsBox(in.KeyID).Seal(nonce, nonce, plain, about)}, nil
	}
	for _, key := range keys {
		if len(in.Blob) < 12 {
			break
		}
		plain, err := kmsBox(key).Open(nil, in.Blob[:12], in.Blob[12:], about)
		switch {
		case err != nil:
		case in.KeyID != "" && in.KeyID != key:
			return nil, &stsError{code: "IncorrectKeyException",
				message: "The key ID in the request does not identify a CMK that can perform this operation."}
		default:
			return kmsAnswer{KeyID: key, Plaintext: plain, Algorithm: "SYMMETRIC_DEFAULT"}, nil
		}
	}
	return nil, &stsError{code: "InvalidCiphertextException"}
}

func kmsBox(key string) cipher.AEAD {
	block, _ := aes.NewCipher(digest([]byte(key))) // 32 bytes are always a key
	box, _ := cipher.NewGCM(block)
	return box
}
