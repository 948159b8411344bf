/** GitLab's bound, in characters. */
export const SHORTEST_PASSWORD = 8;

/** GitLab's bound. Whatever is longer is no safer, and is work to hash. */
export const LONGEST_PASSWORD = 128;

/**
 * The commonest of eight characters and more, as published lists of leaked ones have them; lower case. Throttling leaves
 * somebody who guesses some thousand tries a year: these must not be among them.
 */
const COMMONEST: ReadonlySet<string> = new Set(
  `12345678 123456789 1234567890 12341234 11111111 111111111 1111111111 00000000 000000000 0000000000 87654321 987654321
  9876543210 123123123 12121212 11223344 1122334455 112233445566 88888888 99999999 77777777 66666666 55555555 22222222
  147258369 123654789 789456123 741852963 159753456 0123456789 12344321 13131313 123456781 1234567891 12345678910
  1q2w3e4r 1q2w3e4r5t 1q2w3e4r5t6y 1qaz2wsx 1qaz2wsx3edc 1qazxsw2 zaq12wsx q1w2e3r4 q1w2e3r4t5 qwer1234 qwerty12
  qwerty123 qwerty1234 qwerty12345 qwertyui qwertyuiop qwertyuiop123 asdfghjk asdfghjkl asdf1234 asdfasdf zxcvbnm1
  zxcvbnm123 zxcvbnm, qazwsxedc qweasdzxc qweasd123 123qwe123 123qweasd 123qweasdzxc qwe123456 abc12345 abcd1234
  abcde12345 abcdefgh abcdefg1 abcdefghi a1234567 a12345678 a123456789 aa123456 aa12345678 aaaaaaaa q1234567 1234qwer
  12345qwert 123456aa 123456abc 123456qwe password password1 password12 password123 password1234 password12345 password!
  password1! password123! passw0rd p@ssw0rd p@ssword p@ssw0rd1 p@ssw0rd123 pa$$w0rd pa55word passwort passwort1 motdepasse
  contraseña kennwort parola12 changeme changeme1 changeme123 changeit letmein1 letmein123 letmein! welcome1 welcome12
  welcome123 welcome1! welcome! welcome2 iloveyou iloveyou1 iloveyou2 sunshine sunshine1 princess princess1 football
  football1 baseball baseball1 basketball superman superman1 batman123 starwars starwars1 pokemon1 dragon12 dragon123
  monkey12 monkey123 shadow12 shadow123 master12 master123 michael1 jennifer jordan23 michelle computer computer1
  internet samsung1 whatever whatever1 trustno1 freedom1 mustang1 liverpool liverpool1 chelsea1 arsenal1 manchester
  charlie1 midnight security security1 corvette mercedes ferrari1 hello123 hello1234 hellohello test1234 test12345
  testtest testing1 testing123 secret123 secret12 default1 administrator admin123 admin1234 admin12345 adminadmin
  administrator1 admin@123 root1234 rootroot root12345 toor1234 user1234 guest123 guest1234 demo1234 temp1234 temppass
  summer2024 summer2025 summer2026 winter2024 winter2025 winter2026 spring2025 spring2026 autumn2025 autumn2026
  january1 december1 google123 facebook1 linkedin github123 gitlab123 heliostat heliostat1 heliostat123 changethis
  letmeinnow opensesame blahblah babygirl1 babygirl lovelove loveyou1 iloveu12 qwerqwer poiuytrewq mnbvcxz1 lkjhgfdsa
  1password 123abc123 asd123456 zxc123456 qaz123456 a1b2c3d4 a1b2c3d4e5 1a2b3c4d 1a2b3c4d5e abc123456 abc123abc
  administrateur correcthorsebatterystaple supervisor superuser supersecret topsecret nopassword mypassword
  mypassword1 yourpassword newpassword oldpassword passpass pass1234 pass12345 pass123456`
    .split(/\s+/)
    .filter((word) => word !== ""),
);

/** GitLab's words for what is wrong with a new password; none for one that is good enough. */
export function passwordComplaints(
  password: string,
  user: { readonly username: string; readonly name: string; readonly email: string },
): readonly string[] {
  const { length } = [...password];
  if (length < SHORTEST_PASSWORD) return [`is too short (minimum is ${SHORTEST_PASSWORD} characters)`];
  if (length > LONGEST_PASSWORD) return [`is too long (maximum is ${LONGEST_PASSWORD} characters)`];
  return isCommon(password) || isTheirs(password, user)
    ? ["must not contain commonly used combinations of words and letters"]
    : [];
}

function isCommon(password: string): boolean {
  const text = password.toLowerCase();
  return COMMONEST.has(text) || new Set(text).size <= 2;
}

/** Their own name or address, perhaps with a few characters at one end. */
function isTheirs(
  password: string,
  { username, name, email }: { readonly username: string; readonly name: string; readonly email: string },
): boolean {
  const text = password.toLowerCase();
  const words = [username, name, email, email.split("@", 1)[0] ?? ""].map((word) => word.toLowerCase());
  return words.some((word) => {
    const isAtAnEnd = text.startsWith(word) || text.endsWith(word);
    return word.length >= LEAST_NAME && isAtAnEnd && text.length - word.length <= MOST_ADDED;
  });
}

/** A name of two letters stands in many good passwords. */
const LEAST_NAME = 3;
const MOST_ADDED = 4;
