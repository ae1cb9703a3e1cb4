def count(n):
    words = [f"word{k}" for k in range(50)]
    counts = {}
    for i in range(n):
        word = words[i * 7 % 50]
        counts[word] = counts.get(word, 0) + 1
    return counts.get("word3", 0)


print(count(1500000))
