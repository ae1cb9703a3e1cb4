def build(n):
    text = ""
    for i in range(n):
        text += f"x{i},"
    return len(text)


print(build(500000))
